import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, Connection } from '@temporalio/client';
import pino, { type Logger } from 'pino';
import type { Config } from '../../config.ts';
import { connectClient } from '../../workers/temporal-connection.ts';
import { startWorkers } from '../../workers/main.ts';
import { freshDatabase, type FreshDatabase } from './database.ts';
import { testEnvironment } from './environment.ts';

/** A platform of its own: database, Temporal namespace, directories; workers run in this process on demand. */
export interface Platform extends FreshDatabase {
  config: Config;
  log: Logger;
  directory: string;
  client: Client;
  connection: Connection;
  startWorkers(): Promise<{ stop(): Promise<void> }>;
  end(): Promise<void>;
}

/** Builds a platform; `change` may adjust its configuration. Nothing runs until `startWorkers`. */
export async function platform(change: (config: Config) => Config = (config) => config): Promise<Platform> {
  const database = await freshDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'orrery-test-'));
  const config = change(testConfig(database.url, directory));
  const { client, connection } = await connectClient(config);
  const log = pino({ level: process.env.ORRERY_TEST_LOG ?? 'silent' });
  return {
    ...database,
    config,
    log,
    directory,
    client,
    connection,
    startWorkers: () => startWorkers(config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } }),
    async end() {
      await connection.close();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function testConfig(databaseUrl: string, directory: string): Config {
  return {
    databaseUrl,
    temporal: {
      address: testEnvironment('ORRERY_TEST_TEMPORAL_ADDRESS'),
      // The reconciler compares a whole namespace with its database: each test has its own.
      namespace: `test-${randomUUID()}`,
      tls: false,
      apiKey: null,
    },
    secretKeys: { current: randomBytes(32), previous: [] },
    http: { host: '127.0.0.1', port: 0, publicUrl: 'http://127.0.0.1', trustedProxies: '' },
    rawStore: { kind: 'directory', path: join(directory, 'raw') },
    importRoots: [directory],
    awsEndpoints: { s3: null, sts: null, costAndUsageReport: null, dataExports: null },
    spoolDirectory: join(directory, 'spool'),
    duckdbMemory: '300MB',
    logLevel: 'silent',
    taskQueuePrefix: '',
  };
}

/** Asks again every 50 ms until `ask` answers with something, or fails after `seconds` with what it last saw. */
export async function eventually<T>(ask: () => Promise<T | null | undefined | false>, what: string, seconds = 60): Promise<T> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
