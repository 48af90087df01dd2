import type { Knex } from 'knex';
import { migrations } from './migrations/index.ts';
import { connect } from './shared/connection.ts';

type Name = keyof typeof migrations;

/** Migrations come from a list in the code, not from the file system: what runs is what was reviewed. */
const migrationSource: Knex.MigrationSource<Name> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations) as Name[]),
  getMigrationName: (name) => name,
  getMigration: (name) => Promise.resolve(migrations[name]),
};

export function migrationsOf(db: Knex): { latest(): Promise<string[]>; rollback(): Promise<string[]> } {
  return {
    latest: async () => (await db.migrate.latest({ migrationSource }))[1] as string[],
    rollback: async () => (await db.migrate.rollback({ migrationSource }, true))[1] as string[],
  };
}

/** Brings the database up to date and answers with the names of the migrations that ran. Safe to run from many processes at once. */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const db = connect(databaseUrl, { poolMax: 2, applicationName: 'orrery-migrate' });
  try {
    return await migrationsOf(db).latest();
  } finally {
    await db.destroy();
  }
}
