import type { Knex } from 'knex';

/** A part of a release remembers that managers were told that it is held up. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table project_release_steps add column told_at timestamptz`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table project_release_steps drop column told_at`);
}
