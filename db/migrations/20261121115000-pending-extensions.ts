import type { Knex } from 'knex';

const COLUMN = `
  alter table projects add column pending_extension_expires_at timestamptz;
  update projects p set pending_extension_expires_at = a.expires_at
    from applications a where a.organization_id = p.organization_id and a.id = p.pending_extension_id;
`;

/** A project knows when the extension that waits for a decision ends undecided: until then at most it holds the release. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(COLUMN);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table projects drop column pending_extension_expires_at`);
}
