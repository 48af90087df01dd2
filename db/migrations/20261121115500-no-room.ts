import type { Knex } from 'knex';

const COLUMNS = `
  alter table applications
    add column no_room_at timestamptz,
    add column no_room_first_fit_date date,
    add constraint applications_no_room check (no_room_first_fit_date is null or no_room_at is not null);
`;

/** An application remembers that an approval found no room, and the first date of the project's zone that would fit. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(COLUMNS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table applications drop column no_room_at, drop column no_room_first_fit_date`);
}
