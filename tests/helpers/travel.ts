import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Connection } from '@temporalio/client';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { Config } from '../../config.ts';
import type { Database } from '../../db/shared/connection.ts';
import { toInstant, type Instant } from '../../domain/shared/time.ts';
import { entities } from '../../workers/dependencies.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import type { TestClock } from './test-clock.ts';

const { EventType, FastForwardPollingResult } = proto.temporal.api.enums.v1;

/** Workflows that take rows off a due-table whose rows have no workflow of their own. */
const SWEEPS = ['powerSweep'] as const;
/** Far more than a step takes; what is not at rest by then never will be. */
const QUIET_WITHIN_MS = 90_000;
const POLL_MS = 25;

/** A platform whose workers run with the clock that is travelled. */
export interface Travelled {
  db: Database;
  client: Client;
  connection: Connection;
  config: Pick<Config, 'temporal'>;
}

/**
 * Lets time pass up to `to`, as it would: in steps to the smallest `next_due_at` of any row and to when a wake-up is
 * tried again. At each step the clock and the own clock of every open workflow are moved to that instant, then sweeps,
 * relay and workflows run until nothing is left to do. Serves every table with a `next_due_at`, every entity of the
 * registry. Workflows are moved by the server's time skipping, which only the test server allows; where their
 * history does not show it, this throws.
 */
export async function travel(site: Travelled, clock: TestClock, to: Instant): Promise<void> {
  let open = await openOnceQuiet(site, clock.now());
  for (let there = false; !there; ) {
    const next = await nextStep(site.db, clock.now(), to);
    there = next === null;
    clock.set(next ?? to);
    await moveWorkflows(site, open, clock.now());
    open = await openOnceQuiet(site, clock.now());
  }
}

/** Sweeps, relay and workflows run until nothing is left to do at this instant; after workers have come back, say. */
export async function untilQuiet(site: Travelled, at: Instant): Promise<void> {
  await openOnceQuiet(site, at);
}

/** Ids of the workflows that are open when nothing is left to do. */
async function openOnceQuiet(site: Travelled, at: Instant): Promise<string[]> {
  const tables = await dueTables(site.db);
  const deadline = Date.now() + QUIET_WITHIN_MS;
  let before: string | null = null;
  let busy: string[] = [];
  while (Date.now() < deadline) {
    await sweepDue(site, tables, at);
    const seen = await look(site, tables, at);
    busy = seen.busy;
    // Between two looks that are alike nothing has happened: no workflow has an event more, no row is due.
    if (busy.length === 0 && seen.fingerprint === before) return seen.open;
    before = busy.length === 0 ? seen.fingerprint : null;
    await delay(POLL_MS);
  }
  throw new Error(`at ${at} it did not become quiet: ${busy.join('; ') || 'workflows go on and on'}`);
}

/** Tables with a `next_due_at`; `ofEntity`: a workflow of its own serves each row. */
interface DueTable {
  name: string;
  ofEntity: boolean;
}

const knownTables = new WeakMap<Database, DueTable[]>();

/** Asked of the catalog once: no test adds a table to a platform. */
async function dueTables(db: Database): Promise<DueTable[]> {
  const known = knownTables.get(db);
  if (known !== undefined) return known;
  const ofEntities = new Set([...entities.values()].map(({ table }) => table));
  const rows = await db('information_schema.columns')
    .where({ column_name: 'next_due_at', table_schema: 'public' })
    .orderBy('table_name')
    .select<{ table_name: string }[]>('table_name');
  const tables = rows.map(({ table_name: name }) => ({ name, ofEntity: ofEntities.has(name) }));
  knownTables.set(db, tables);
  return tables;
}

async function nextStep(db: Database, now: Instant, to: Instant): Promise<Instant | null> {
  const columns: [string, string][] = (await dueTables(db)).map(({ name }) => [name, 'next_due_at']);
  columns.push(['wake_ups', 'next_attempt_at']);
  const each = columns.map(([table, column]) => `select min(${column}) as at from ${table} where ${column} > :now and ${column} <= :to`);
  const { rows } = await db.raw<{ rows: { at: Instant | null }[] }>(`select min(at) as at from (${each.join(' union all ')}) firsts`, { now, to });
  return rows[0]?.at ?? null;
}

async function sweepDue({ db, client }: Travelled, tables: DueTable[], at: Instant): Promise<void> {
  const swept = tables.filter(({ ofEntity }) => !ofEntity).map(({ name }) => `exists (select from ${name} where next_due_at <= :at)`);
  const { rows } = await db.raw<{ rows: { due: boolean }[] }>(`select ${swept.join(' or ')} as due`, { at });
  if (rows[0]?.due !== true) return;
  for (const sweep of SWEEPS) await client.workflow.execute(sweep, { workflowId: `${sweep}/${randomUUID()}`, taskQueue: 'entities' });
}

/** What still works or waits to, and a fingerprint that differs when anything has happened since. */
interface Look {
  busy: string[];
  fingerprint: string;
  /** Ids of the open workflows; only what is not busy knows them all. */
  open: string[];
}

/** Asks the database first, by one statement: while it knows of something to do, Temporal need not be asked. */
async function look(site: Travelled, tables: DueTable[], at: Instant): Promise<Look> {
  const waiting = await waitingRows(site.db, tables, at);
  if (waiting.length > 0) return { busy: waiting, fingerprint: '', open: [] };
  const workflows = await openWorkflows(site);
  return {
    busy: workflows.filter(({ works }) => works).map(({ id }) => `${id} works`),
    fingerprint: workflows.map(({ id, events }) => `${id} ${events}`).join('\n'),
    open: workflows.map(({ id }) => id),
  };
}

async function waitingRows(db: Database, tables: DueTable[], at: Instant): Promise<string[]> {
  const each = [
    `select 'a wake-up for ' || workflow_id as what from wake_ups where attempts = 0 or next_attempt_at <= :at`,
    ...tables.map(({ name }) => `select count(*) || ' rows of ${name} are due' from ${name} where next_due_at <= :at having count(*) > 0`),
  ];
  const { rows } = await db.raw<{ rows: { what: string }[] }>(each.join(' union all '), { at });
  return rows.map(({ what }) => what);
}

/** Those that are open, in the order of their ids. */
async function openWorkflows(site: Travelled): Promise<OpenWorkflow[]> {
  const described = await Promise.all([...(await candidates(site))].toSorted().map((id) => describe(site, id)));
  return described.filter((one) => one !== null);
}

/** Ids of workflows that may be open: those of rows that say so, and what visibility knows beside them. */
async function candidates({ db, client }: Travelled): Promise<Set<string>> {
  const each = [...entities.values()].map(({ kind, table, openCondition }) => `select '${kind}' as kind, id from ${table} where (${openCondition})`);
  const ofRows = db.raw<{ rows: { kind: string; id: string }[] }>(each.join(' union all '));
  const known = Array.fromAsync(client.workflow.list({ query: `ExecutionStatus = 'Running'` }), ({ workflowId }) => workflowId);
  const ids = [...(await ofRows).rows.map(({ kind, id }) => entityWorkflowId(kind, id)), ...(await known)];
  // The server's own, such as those behind Schedules, live by the computer's clock.
  return new Set(ids.filter((id) => !id.startsWith('temporal-sys-')));
}

interface OpenWorkflow {
  id: string;
  events: number;
  /** An activity or a workflow task is under way, or waits for a worker. */
  works: boolean;
  /** Its own clock. */
  now: number;
}

/** Null when it is not open. */
async function describe({ connection, config }: Travelled, workflowId: string): Promise<OpenWorkflow | null> {
  const { namespace } = config.temporal;
  const described = await orNullIfGone(connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } }));
  if (described?.workflowExecutionInfo?.status !== proto.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING) return null;
  const own = described.workflowExtendedInfo?.timeSkippingInfo?.currentTime;
  return {
    id: workflowId,
    events: Number(described.workflowExecutionInfo.historyLength),
    works: (described.pendingActivities ?? []).length > 0 || (described.pendingWorkflowTask ?? null) !== null,
    now: own === null || own === undefined ? Date.now() : tsToMs(own),
  };
}

async function moveWorkflows(site: Travelled, ids: string[], to: Instant): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      const open = await describe(site, id);
      if (open !== null) await moveWorkflow(site, open, Date.parse(to));
    }),
  );
}

/** Moves one workflow's clock, and no other's, to an instant. */
async function moveWorkflow(site: Travelled, { id: workflowId, now }: OpenWorkflow, to: number): Promise<void> {
  if (now >= to) return;
  const { connection, config } = site;
  const common = { namespace: config.temporal.namespace, workflowExecution: { workflowId } };
  const fastForwardId = randomUUID();
  const fastForwardConfig = { id: fastForwardId, duration: msToTs(to - now) };
  const updated = await orNullIfGone(
    connection.workflowService.updateWorkflowExecutionOptions({
      ...common,
      workflowExecutionOptions: { timeSkippingConfig: { enabled: true, fastForwardConfig } },
      updateMask: { paths: ['time_skipping_config'] },
    }),
  );
  if (updated === null) return;
  for (;;) {
    const polled = await orNullIfGone(connection.workflowService.pollWorkflowExecutionTimeSkipping({ ...common, fastForwardId }));
    if (polled?.fastForwardPollingResult === FastForwardPollingResult.FAST_FORWARD_POLLING_RESULT_POLL_TIMEOUT) continue;
    if (polled?.fastForwardPollingResult === FastForwardPollingResult.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED) break;
    // It was about to end: then it has no clock any more.
    if ((await describe(site, workflowId)) === null) return;
    throw new Error(`${workflowId} was not moved to ${toInstant(to)}: ${polled?.failedReason ?? 'it was not found'}`);
  }
  if (!(await skippedTo(site, workflowId, to))) {
    throw new Error(`the history of ${workflowId} shows no transition to ${toInstant(to)}: it lives in real time`);
  }
}

/** Whether the newest events of a workflow show that its clock was moved this far. */
async function skippedTo({ connection, config }: Travelled, workflowId: string, to: number): Promise<boolean> {
  const { namespace } = config.temporal;
  const { history } = await connection.workflowService.getWorkflowExecutionHistoryReverse({ namespace, execution: { workflowId }, maximumPageSize: 100 });
  return (history?.events ?? []).some((event) => {
    if (event.eventType !== EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED) return false;
    const target = event.workflowExecutionTimeSkippingTransitionedEventAttributes?.targetTime ?? event.eventTime;
    // The duration was counted from when the server took it, a moment after we asked.
    return target !== null && target !== undefined && tsToMs(target) >= to;
  });
}

const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

/** What is not found, or has ended, answers null. */
async function orNullIfGone<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === NOT_FOUND || code === FAILED_PRECONDITION) return null;
    throw error;
  }
}
