import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../db/migrate.ts';
import { connect, type Database } from '../../db/shared/connection.ts';
import { testEnvironment } from './environment.ts';

export interface FreshDatabase {
  url: string;
  db: Database;
  /** Ends the pool. The database stays until the server goes with its run, unless many have stayed before it. */
  drop(): Promise<void>;
}

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'db', 'migrations');
/**
 * A clone is a thousand small files. On a file system that does not give out an inode again soon after its file is gone
 * (ext4 without a journal), clones made among many that were dropped take ten times as long: most runs drop none.
 */
const KEPT_DATABASES = 250;

/** Migrations that differ have a template of their own. */
const TEMPLATE = `orrery_template_${readdirSync(MIGRATIONS)
  .sort()
  .reduce((hash, file) => hash.update(readFileSync(join(MIGRATIONS, file))), createHash('sha256'))
  .digest('hex')
  .slice(0, 12)}`;

/** An empty, migrated database of its own: a clone of a template that the first caller of the run makes. */
export async function freshDatabase(server = testEnvironment('ORRERY_TEST_DATABASE_URL')): Promise<FreshDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await asSuperuser(server, async (client) => {
    await ensureTemplate(client, server);
    await client.query(`create database ${name} template ${TEMPLATE}`);
  });
  const url = databaseUrl(server, name);
  const db = connect(url, { poolMax: 10, applicationName: 'orrery-test' });
  return {
    url,
    db,
    async drop() {
      await db.destroy();
      await asSuperuser(server, async (client) => {
        const { rows } = await client.query<{ count: number }>('select count(*)::int as count from pg_database');
        if ((rows[0]?.count ?? 0) > KEPT_DATABASES) await client.query(`drop database if exists ${name} with (force)`);
      });
    },
  };
}

async function ensureTemplate(client: pg.Client, server: string): Promise<void> {
  // Held until the session ends, so that cloning never meets a template being made or another clone of it.
  await client.query(`select pg_advisory_lock(hashtext('orrery template'))`);
  const known = await client.query('select from pg_database where datname = $1', [TEMPLATE]);
  if (known.rowCount !== 0) return;
  await client.query(`drop database if exists ${TEMPLATE}_making with (force)`);
  await client.query(`create database ${TEMPLATE}_making`);
  await migrate(databaseUrl(server, `${TEMPLATE}_making`));
  await client.query(`alter database ${TEMPLATE}_making rename to ${TEMPLATE}`);
}

async function asSuperuser<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.toString();
}
