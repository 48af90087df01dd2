import type { Knex } from 'knex';

/** How many codes for a deletion somebody has asked for within an hour, and when that hour began. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table project_deletion_codes add column asked_since timestamptz, add column asked integer not null default 1;
    update project_deletion_codes set asked_since = created_at;
    alter table project_deletion_codes alter column asked_since set not null, alter column asked drop default,
      add constraint project_deletion_codes_asked check (asked > 0);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table project_deletion_codes drop column asked_since, drop column asked`);
}
