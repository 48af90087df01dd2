import { once } from 'node:events';
import pg from 'pg';
import pino from 'pino';
import { setTimeout as delay } from 'node:timers/promises';
import { dataSourceEntity } from '../../commands/data-sources/data-source-entity.ts';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { createEntity } from '../../commands/shared/entity-commands.ts';
import { connect } from '../../db/shared/connection.ts';
import type { Database } from '../../db/shared/connection.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { noDiscoveryYet } from '../../domain/data-sources/discovery.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { system } from '../../domain/shared/entity.ts';
import { toInstant } from '../../domain/shared/time.ts';
import { startWorkers } from '../../workers/main.ts';
import type { Prepare } from '../case.ts';
import { benchConfig } from './config.ts';
import type { Place } from './config.ts';
import { storedSums } from './merge.ts';
import { createOrganization, directoryExport, TENANT } from './tenant.ts';

export interface TemporalImportInput extends Place {
  workflowBundle: string;
}

const POLL_MS = 10;
/** By then what a worker does once when it starts is over: its reconciler's first pass, the end of the workflow's first run. */
const AT_REST_MS = 2_000;
const REF = { organizationId: TENANT.organizationId, id: TENANT.dataSourceId };
const BY = system('bench');

/** The product's own way: a request, the relay, the entity workflow, its activities with fence and heartbeats. */
export const prepare: Prepare<TemporalImportInput> = async (input) => {
  const config = benchConfig(input);
  const db = connect(config.databaseUrl, { poolMax: 4, applicationName: 'orrery-bench' });
  await createOrganization(db);
  const workers = await startWorkers(config, pino({ level: config.logLevel }), { workflowBundle: { codePath: input.workflowBundle } });
  await inTransaction(db, (tx) => createEntity(tx, dataSourceEntity, newSource(input.exportDirectory), 'data-sources.connect', { at: now(), by: BY }));
  // From here on the entity waits: what is measured begins with the request.
  while ((await db('data_sources').where({ id: REF.id }).first<{ schedule_applied: string }>('schedule_applied')).schedule_applied === 'none') {
    await delay(POLL_MS);
  }
  await delay(AT_REST_MS);
  let operationId = '';
  const ended = await listenForEnd(db, config.databaseUrl);
  return {
    async run() {
      const asked = await inTransaction(db, (tx) => requestImport(tx, REF, { cause: 'request', months: [], at: now(), by: BY }));
      operationId = asked.operationId;
      await once(ended, 'notification');
    },
    async finish() {
      const operation = await getOperation(db, REF.organizationId, operationId);
      const sums = await storedSums(db);
      await ended.end();
      await workers.stop();
      await db.destroy();
      return { sums, state: operation?.state, error: operation?.error };
    },
  };
};

const now = (): string => toInstant(Date.now());

/** Tells of the operation's end without asking for it again and again: that would burden what is measured. */
async function listenForEnd(db: Database, databaseUrl: string): Promise<pg.Client> {
  await db.raw(`
    create function bench_end() returns trigger language plpgsql as $$ begin perform pg_notify('bench_end', new.id); return null; end $$;
    create trigger bench_end after update of state on operations for each row
      when (new.state in ('completed', 'failed', 'cancelled')) execute function bench_end()`);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('listen bench_end');
  return client;
}

function newSource(exportDirectory: string): DataSource {
  return {
    ...REF, version: 1, lastAt: now(), nextDueAt: null, cloud: 'aws', kind: 'root', name: 'Bench', accountId: '012345678901', connection: {}, credentialsKind: 'none',
    export: directoryExport(exportDirectory), linkedAccounts: 'all', importIntervalMinutes: 1440, initialMonths: 4, state: 'active',
    scheduleApplied: 'none', fence: 0, lastAttemptAt: null, lastSuccessAt: null, lastError: null, warnings: [], createdAt: now(),
    running: null, waiting: null, ended: [], discovery: noDiscoveryYet(1440),
  };
}
