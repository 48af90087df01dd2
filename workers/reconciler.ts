import { WorkflowNotFoundError, type Client, type Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import type { AnyEntityDefinition, EntityRegistry } from '../activities/entities.ts';
import { tickOf, type TickSchedules } from '../activities/data-sources/dependencies.ts';
import { dataSourcesWithSchedules } from '../db/data-sources/data-source-store.ts';
import type { Database } from '../db/shared/connection.ts';
import { inTransaction } from '../db/shared/transaction.ts';
import { requestWakeUp } from '../db/shared/wake-up-store.ts';
import { wantedSchedule, wantedScheduleOf } from '../domain/data-sources/data-source.ts';
import { wantedDiscoverySchedule } from '../domain/data-sources/discovery.ts';
import { NO_ORGANIZATION } from '../domain/shared/entity.ts';
import { plusMilliseconds, type Clock, type Instant } from '../domain/shared/time.ts';
import { DATA_SOURCE_TICKS, entityWorkflowId, tickScheduleId, type Tick } from '../workflows/messages.ts';
import { ensureNamespace } from './namespace.ts';
import { ensureSweepSchedule, POWER_SWEEP } from './sweep-schedule.ts';
import { listTickSchedules } from './tick-schedules.ts';

const MINUTE_MS = 60_000;
/** Full comparisons: at start, then hourly. */
const FULL_EVERY = 60;
const PAGE = 500;

export interface ReconcilerDependencies {
  db: Database;
  clock: Clock;
  client: Client;
  connection: Connection;
  namespace: string;
  /** Where workflows run that Schedules start. */
  taskQueue: string;
  entities: EntityRegistry;
  schedules: TickSchedules;
  log: Logger;
}

/**
 * Brings Temporal in line with the rows, whatever was lost: namespace, search attributes and
 * Schedules; rows overdue by a minute are woken; with `full`, or when Temporal turns out to be new,
 * every row that ought to have an open workflow is compared, and a workflow without a row is ended.
 * One process at a time does it.
 */
export async function reconcile(deps: ReconcilerDependencies, full: boolean): Promise<void> {
  await alone(deps.db, 'reconciler', async () => {
    const compares = (await ensureNamespace(deps.connection, deps.namespace)) === 'completed' || full;
    await ensureSchedules(deps, compares);
    for (const definition of deps.entities.values()) {
      await wakeOverdue(deps, definition);
      if (compares) await compare(deps, definition);
    }
    await forgetExpired(deps);
  });
}

/** Runs `work` if no other process holds the advisory lock. It is a session's, not a transaction's: calls to Temporal take their time. */
async function alone(db: Database, name: string, work: () => Promise<void>): Promise<void> {
  const connection: unknown = await db.client.acquireConnection();
  const ask = async (lockFunction: string): Promise<boolean> => {
    const query = db.raw<{ rows: { answer: boolean }[] }>(`select ${lockFunction}(hashtextextended(?, 0)) as answer`, [name]);
    return (await query.connection(connection)).rows[0]?.answer === true;
  };
  try {
    if (!(await ask('pg_try_advisory_lock'))) return;
    try {
      await work();
    } finally {
      await ask('pg_advisory_unlock');
    }
  } finally {
    await db.client.releaseConnection(connection);
  }
}

/** Every Schedule that is wanted exists, and none that is not; with `compares`, each also says what its row wants. */
async function ensureSchedules({ db, client, schedules, taskQueue }: ReconcilerDependencies, compares: boolean): Promise<void> {
  const existing = await listTickSchedules(client);
  if (!existing.has(POWER_SWEEP)) await ensureSweepSchedule(client, taskQueue);
  const wanted = new Set<string>();
  for (const { tick, schedule } of await wantedTicks(db)) {
    wanted.add(tickScheduleId(tick));
    if (compares || !existing.has(tickScheduleId(tick))) await schedules.ensure(tick, schedule);
  }
  for (const id of existing) {
    const [text, rowId] = id.split('/');
    const name = DATA_SOURCE_TICKS.find((one) => one === text);
    if (name === undefined || rowId === undefined || wanted.has(id)) continue;
    // Read again: the data source may have been connected since the list was made.
    const row = await db('data_sources').where({ id: rowId }).first<{ state: string } | undefined>('state');
    if (row === undefined || row.state === 'deleted') {
      await schedules.remove({ name, ref: { organizationId: '', id: rowId } });
    }
  }
}

/** Every tick that a row wants, with its Schedule. */
async function wantedTicks(db: Database): Promise<{ tick: Tick; schedule: { everyMinutes: number; paused: boolean } }[]> {
  const sources = await dataSourcesWithSchedules(db);
  return sources.flatMap((source) => {
    const schedules = { 'import-data-source': wantedSchedule(source), 'discover-data-source': wantedDiscoverySchedule(source) };
    return DATA_SOURCE_TICKS.flatMap((name) => {
      const schedule = wantedScheduleOf(schedules[name]);
      return schedule === null ? [] : [{ tick: tickOf(name, source), schedule }];
    });
  });
}

async function wakeOverdue(deps: ReconcilerDependencies, definition: AnyEntityDefinition): Promise<void> {
  const overdue = plusMilliseconds(deps.clock.now(), -MINUTE_MS);
  const rows = await deps
    .db(definition.table)
    .where('next_due_at', '<', overdue)
    .select<{ id: string; organization_id: string | null }[]>('id', 'organization_id');
  for (const row of rows) await wake(deps, definition, row);
}

async function wake(
  { db, clock }: Pick<ReconcilerDependencies, 'db' | 'clock'>,
  definition: AnyEntityDefinition,
  row: { id: string; organization_id: string | null },
): Promise<void> {
  const wakeUp = { kind: definition.kind, entityId: row.id, organizationId: row.organization_id ?? NO_ORGANIZATION };
  await inTransaction(db, (tx) => requestWakeUp(tx, wakeUp, clock.now()));
}

/** Rows against workflows, both ways. What looks missing is confirmed before anything is done. */
async function compare(deps: ReconcilerDependencies, definition: AnyEntityDefinition): Promise<void> {
  const open = new Set<string>();
  const query = `WorkflowType = '${definition.workflowType}' AND ExecutionStatus = 'Running'`;
  for await (const execution of deps.client.workflow.list({ query })) open.add(execution.workflowId);
  for (let after = ''; ; ) {
    const rows = await deps
      .db(definition.table)
      .whereRaw(`(${definition.openCondition})`)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .select<{ id: string; organization_id: string | null }[]>('id', 'organization_id');
    for (const row of rows) {
      const workflowId = entityWorkflowId(definition.kind, row.id);
      if (!open.has(workflowId) && !(await isOpen(deps, workflowId))) await wake(deps, definition, row);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) break;
    after = last.id;
  }
  for (const workflowId of open) await endOrphan(deps, definition, workflowId);
}

/** Visibility lags: describe tells the truth. */
async function isOpen({ client }: ReconcilerDependencies, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function endOrphan(deps: ReconcilerDependencies, definition: AnyEntityDefinition, workflowId: string): Promise<void> {
  const id = workflowId.slice(definition.kind.length + 1);
  const row = await deps.db(definition.table).where({ id }).first<{ id: string } | undefined>('id');
  if (row !== undefined) return;
  deps.log.warn({ workflowId }, 'a workflow without a row is ended');
  await deps.client.workflow.getHandle(workflowId).terminate('its row does not exist');
}

/** Records whose time is over: idempotency records and pending secrets that no check purged. */
async function forgetExpired({ db, clock }: ReconcilerDependencies): Promise<void> {
  const at = clock.now();
  await db('idempotency_records').where('expires_at', '<', at).delete();
  await db('pending_secrets').where('expires_at', '<', at).delete();
}

/**
 * Reconciles fully at once and hourly, and the rest each minute, until stopped. A failure is logged and tried again;
 * `succeededAt` is the end of the last round that did not fail.
 */
export function startReconciler(deps: ReconcilerDependencies): { stop(): Promise<void>; succeededAt(): Instant | null } {
  let round = 0;
  let succeededAt: Instant | null = null;
  let running: Promise<void> = Promise.resolve();
  const tick = (): void => {
    const full = round % FULL_EVERY === 0;
    round += 1;
    running = running
      .then(async () => {
        await reconcile(deps, full);
        succeededAt = deps.clock.now();
      })
      .catch((error: unknown) => {
        // The comparison is due again at the next minute, whatever failed: a Temporal that turned out to be new says so once, and
        // may still have refused what came after that.
        round = 0;
        deps.log.warn({ err: error }, 'reconciliation failed; it is tried again in a minute');
      });
  };
  tick();
  const timer = setInterval(tick, MINUTE_MS);
  return {
    succeededAt: () => succeededAt,
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
