import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, Connection } from '@temporalio/client';
import pino, { type Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { Clock } from '../../domain/shared/time.ts';
import { connectClient } from '../../workers/temporal-connection.ts';
import { startWorkers } from '../../workers/main.ts';
import { NO_OWN_ENDPOINTS } from './cloud-endpoints.ts';
import { freshDatabase, type FreshDatabase } from './database.ts';
import { testEnvironment } from './environment.ts';

/** A platform of its own: database, Temporal namespace, directories; workers run in this process on demand. */
export interface Platform extends FreshDatabase {
  config: Config;
  log: Logger;
  directory: string;
  client: Client;
  connection: Connection;
  /** `clock` in the place of the computer's. */
  startWorkers(clock?: Clock): Promise<{ stop(): Promise<void> }>;
  end(): Promise<void>;
}

/** The servers a platform stands on. */
interface Servers {
  databaseUrl: string;
  temporalAddress: string;
}

/** Those of the whole test run. */
function sharedServers(): Servers {
  return {
    databaseUrl: testEnvironment('ORRERY_TEST_DATABASE_URL'),
    temporalAddress: testEnvironment('ORRERY_TEST_TEMPORAL_ADDRESS'),
  };
}

/** Builds a platform; `change` may adjust its configuration. Nothing runs until `startWorkers`. */
export async function platform(change: (config: Config) => Config = (config) => config, servers: Servers = sharedServers()): Promise<Platform> {
  const database = await freshDatabase(servers.databaseUrl);
  const directory = mkdtempSync(join(tmpdir(), 'orrery-test-'));
  const config = change(testConfig(database.url, servers.temporalAddress, directory));
  const { client, connection } = await connectClient(config);
  const log = pino({ level: process.env.ORRERY_TEST_LOG ?? 'silent' });
  return {
    ...database,
    config,
    log,
    directory,
    client,
    connection,
    async startWorkers(clock) {
      const workers = await startWorkers(config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') }, ...(clock !== undefined && { clock }) });
      // The first comparison may wake a row that is just being opened once more; histories are counted to the action.
      await eventually(async () => workers.reconciledAt(), 'the first comparison of rows and Temporal');
      return workers;
    },
    async end() {
      await connection.close();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function testConfig(databaseUrl: string, temporalAddress: string, directory: string): Config {
  return {
    databaseUrl,
    temporal: {
      address: temporalAddress,
      // The reconciler compares a whole namespace with its database: each test has its own.
      namespace: `test-${randomUUID()}`,
      tls: false,
      apiKey: null,
    },
    secretKeys: { current: randomBytes(32), previous: [] },
    http: { host: '127.0.0.1', port: 0, publicUrl: 'http://127.0.0.1' },
    workersPort: null,
    rawStore: { kind: 'directory', path: join(directory, 'raw') },
    importRoots: [directory],
    ...NO_OWN_ENDPOINTS,
    // What tests receive is on this machine.
    webhooks: { allowHttp: true, allowedNetworks: ['127.0.0.1/32'], certificateAuthority: null },
    mail: { kind: 'directory', path: join(directory, 'mail'), from: 'Orrery <orrery@example.org>' },
    calendar: { endpoint: null, watch: false },
    oidc: null,
    spoolDirectory: join(directory, 'spool'),
    duckdbMemory: '300MB',
    logLevel: 'silent',
    taskQueuePrefix: '',
  };
}

/** Asks again every 50 ms until `ask` answers with something, or fails after `seconds` with what it last saw: a server may be away meanwhile. */
export async function eventually<T>(ask: () => Promise<T | null | undefined | false>, what: string, seconds = 60): Promise<T> {
  const until = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`waited ${seconds} s in vain for ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
