import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** What PostgreSQL counted: rows written into the product's tables, and bytes of WAL. */
export interface Writes {
  rows: number;
  walBytes: number;
}

/** Counts of a database so far. A backend reports its counts when it ends, so this waits until those named so are gone. */
export async function writesSoFar(databaseUrl: string, applicationName: string): Promise<Writes> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const backends = 'select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = $1';
    while ((await client.query<{ n: number }>(backends, [applicationName])).rows[0]?.n !== 0) await delay(20);
    const { rows } = await client.query<{ rows: string; wal: string }>(`
      select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) as rows, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal
      from pg_stat_user_tables where schemaname = 'public'`);
    return { rows: Number(rows[0]?.rows), walBytes: Number(rows[0]?.wal) };
  } finally {
    await client.end();
  }
}
