import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../db/migrate.ts';
import { systemCluster } from '../tools/start/postgres-place.ts';
import { startPostgres } from '../tools/start/postgres.ts';

const TEMPLATE = 'bench_template';

/** A PostgreSQL of the benchmark's own, flushing to disk as in production, and databases on it. */
export interface BenchDatabases {
  /** A migrated, empty database, or a copy of another one that nobody is connected to; its URL. */
  create(name: string, template?: string): Promise<string>;
  drop(name: string): Promise<void>;
  urlOf(name: string): string;
  /** Scratch space, removed by `stop`. */
  directory: string;
  stop(): Promise<void>;
}

export async function startDatabases(say: (line: string) => void): Promise<BenchDatabases> {
  const directory = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
  const data = join(directory, 'postgres');
  mkdirSync(data);
  // Root hands PostgreSQL to another user, who must be able to pass through.
  if (process.getuid?.() === 0) chmodSync(directory, 0o711);
  const postgres = await startPostgres({ dataDirectory: data, log: say });
  const urlOf = (name: string): string => new URL(`/${name}`, postgres.url).href;
  const administer = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const stop = async (): Promise<void> => {
    await postgres.stop();
    const elsewhere = systemCluster(data);
    for (const path of elsewhere === null ? [] : [elsewhere, `${elsewhere}.ready`]) rmSync(path, { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await administer(`create database ${TEMPLATE}`);
    await migrate(urlOf(TEMPLATE));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory, urlOf, stop,
    async create(name, template = TEMPLATE) {
      await administer(`create database ${name} template ${template}`);
      return urlOf(name);
    },
    // Statistics and caches of a dropped database must not be written back while the next case runs.
    drop: async (name) => await administer(`drop database ${name} with (force)`).then(() => administer('checkpoint')),
  };
}
