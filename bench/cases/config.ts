import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config.ts';
import type { Config } from '../../config.ts';

export interface Place {
  databaseUrl: string;
  /** Host and port; a case without Temporal never connects to it. */
  temporalAddress: string;
  /** Stored bytes and scratch files go below it. */
  directory: string;
  /** Holds the bill, laid out as its bucket. */
  exportDirectory: string;
}

/** The product's configuration as `npm start` has it, with all its defaults. */
export function benchConfig({ databaseUrl, temporalAddress, directory, exportDirectory }: Place): Config {
  const [raw, spool] = ['raw', 'spool'].map((name) => join(directory, name)) as [string, string];
  for (const path of [raw, spool]) mkdirSync(path, { recursive: true });
  return loadConfig({
    DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress, TEMPORAL_NAMESPACE: 'default', ORRERY_HOST: '127.0.0.1', ORRERY_PORT: '8080',
    ORRERY_PUBLIC_URL: 'http://127.0.0.1:8080', ORRERY_RAW_STORE: raw, ORRERY_SPOOL_DIRECTORY: spool, ORRERY_IMPORT_ROOTS: exportDirectory,
    ORRERY_SECRET_KEY: Buffer.alloc(32).toString('base64'), ORRERY_LOG_LEVEL: 'error',
  });
}
