import { recordLedgerEntries, recordLedgerEntry, type NewLedgerEntry } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUp, requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { andThen, NO_ORGANIZATION, type Actor, type EntityRow, type Settled, type Transition } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import { entityWorkflowId, type EntityAct, type EntityRef, type Plan } from '../../workflows/messages.ts';
import { newId } from './new-id.ts';

/** Everything that makes a row an entity: a reducer, a store, its acts. The rest of the pattern is here, once. */
export interface EntityDefinition<E extends EntityRow, Act extends EntityAct> {
  /** Singular, kebab-case: `data-source`. Also the first half of its workflow id. */
  kind: string;
  /** Name of the workflow function. */
  workflowType: string;
  /** Only carries out what others have decided: where work piles up, its workflows go behind theirs. */
  yields?: boolean;
  /** Where many deadlines come at one instant: how its rows are moved together. */
  together?: DueTogether<E>;
  /** Table of its rows, which has organization_id, id, next_due_at. */
  table: string;
  /** SQL condition on the table: rows whose workflow ought to be open. */
  openCondition: string;
  /** Reads and locks the row (and what belongs to it) until the transaction ends. */
  lock(tx: Transaction, organizationId: string, id: string): Promise<E | null>;
  insert(tx: Transaction, entity: E): Promise<void>;
  /** Writes what differs. */
  save(tx: Transaction, before: E, after: E): Promise<void>;
  /** Applies every transition due at or before `at`, oldest first. Repeating it changes nothing. */
  settle(entity: E, at: Instant): Settled<E>;
  /** What the row wants performed at this instant, in order. */
  acts(entity: E, at: Instant): Act[];
  /** Nothing more to wait for. */
  isDone(entity: E): boolean;
  /** For the Temporal UI, in Markdown. */
  describe(entity: E): string;
  /** Its state in one word, for the search attribute OrreryStatus. */
  status(entity: E): string;
  /** What the ledger keeps of it: JSON without secrets. */
  forLedger(entity: E): unknown;
}

/** Who moves a row when its time has come. */
const CLOCK: Actor = { kind: 'system', id: null, name: 'clock' };

export interface Decision {
  at: Instant;
  by: Actor;
  /** When the decision is the outcome of an act: recorded once under this key, and skipped when it was. */
  outcomeKey?: string | undefined;
  /** Refuses to decide on a row that changed since the caller read it. */
  check?(version: number): void;
}

/** Creates an entity in the caller's transaction: row, ledger entry, wake-up. */
export async function createEntity<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  entity: E,
  action: string,
  { at, by }: Decision,
): Promise<E> {
  await definition.insert(tx, entity);
  await recordSteps(tx, definition, [{ action, before: null, after: entity, dueAt: null }], { at, by });
  await requestWakeUp(tx, { kind: definition.kind, entityId: entity.id, organizationId: entity.organizationId }, at);
  return entity;
}

/**
 * One decision in the caller's transaction: lock the row, apply what time has made due, then the
 * decision, then what that made due; write the row, a ledger entry a step, and a wake-up when what
 * the workflow should do has changed. Throws `<kind>.not-found` when there is no such row, and
 * whatever the decision throws: then nothing is written.
 */
export async function decide<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  ref: EntityRef,
  decision: Decision,
  change: (entity: E, at: Instant) => Settled<E>,
): Promise<E> {
  const row = await definition.lock(tx, ref.organizationId, ref.id);
  if (row === null) throw notFound(definition.kind, ref.id);
  if (decision.outcomeKey !== undefined && (await isRecorded(tx, decision.outcomeKey))) return row;
  decision.check?.(row.version);
  const at = laterOf(decision.at, row.lastAt);
  const settled = andThen(
    andThen(definition.settle(row, at), (entity) => change(entity, at)),
    (entity) => definition.settle(entity, at),
  );
  const after = await write(tx, definition, row, settled, { ...decision, at });
  // A workflow that records the outcome of its own act looks again by itself.
  const ownOutcome = decision.outcomeKey !== undefined && decision.by.workflowId === entityWorkflowId(definition.kind, ref.id);
  if (!ownOutcome && wants(definition, row, at) !== wants(definition, after, at)) {
    await requestWakeUp(tx, { kind: definition.kind, entityId: ref.id, organizationId: ref.organizationId }, at);
  }
  return after;
}

/** How many rows of an entity are read and written together. */
export interface RowsTogether<E extends EntityRow> {
  /** Reads and locks those that exist, in the order of their ids. */
  lock(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<E[]>;
  /** Writes what differs, and what follows from it. */
  save(tx: Transaction, changes: readonly { before: E; after: E }[]): Promise<void>;
}

/** How rows whose deadline has come are moved together. */
export interface DueTogether<E extends EntityRow> extends Pick<RowsTogether<E>, 'save'> {
  /** Reads and locks such rows of one organization, at most `limit`, and passes those by that others hold or that are better moved one by one. */
  lockDue(tx: Transaction, at: Instant, limit: number): Promise<E[]>;
}

/**
 * `decide` for many rows of one organization at once, in few statements whatever their number. An outcome key becomes one a
 * row: `<key>/<id>`. Answers with the rows as they are then.
 */
export async function decideTogether<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  rows: RowsTogether<E>,
  { organizationId, ids }: { organizationId: string; ids: readonly string[] },
  decision: Pick<Decision, 'at' | 'by' | 'outcomeKey'>,
  change: (entity: E, at: Instant) => Settled<E>,
): Promise<E[]> {
  const { outcomeKey } = decision;
  const locked = await rows.lock(tx, organizationId, ids);
  const keyOf = (row: E): string | undefined => (outcomeKey === undefined ? undefined : `${outcomeKey}/${row.id}`);
  const recorded = outcomeKey === undefined ? new Set() : await recordedAmong(tx, locked.map((row) => `${outcomeKey}/${row.id}`));
  const decided = locked.map((before) => {
    if (recorded.has(keyOf(before))) return { before, after: before, entries: [], at: decision.at };
    const at = laterOf(decision.at, before.lastAt);
    const settled = andThen(
      andThen(definition.settle(before, at), (entity) => change(entity, at)),
      (entity) => definition.settle(entity, at),
    );
    return decidedOf(definition, before, settled, { at, by: decision.by, outcomeKey: keyOf(before) });
  });
  await writeTogether(tx, rows, decided);
  const woken = decided.filter(({ before, after, at }) => wants(definition, before, at) !== wants(definition, after, at));
  await requestWakeUps(tx, { kind: definition.kind, organizationId, entityIds: woken.map(({ after }) => after.id) }, decision.at);
  return decided.map(({ after }) => after);
}

/**
 * Applies what is due to many rows at once: what their own looks would do, without them. Takes at most `limit` rows of one
 * organization and none when there are fewer than `atLeast`; answers with how many moved. Wakes nobody: each row's workflow looks at
 * this instant anyway, and finds done what was due.
 */
export async function settleDue<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  requestedAt: Instant,
  { limit, atLeast }: { limit: number; atLeast: number },
): Promise<number> {
  const { together } = definition;
  if (together === undefined) return 0;
  const due = await together.lockDue(tx, requestedAt, limit);
  if (due.length < atLeast) return 0;
  const decided = due.map((before) => {
    const at = laterOf(requestedAt, before.lastAt);
    return decidedOf(definition, before, definition.settle(before, at), { at, by: CLOCK });
  });
  await writeTogether(tx, together, decided);
  return decided.filter(({ before, after }) => after !== before).length;
}

/**
 * The command behind an entity workflow's `advance`: applies what is due and answers with what the
 * row wants. Repeating it changes nothing. A row that is gone is done.
 */
export async function advanceEntity<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  ref: EntityRef,
  requestedAt: Instant,
): Promise<Plan<Act>> {
  const row = await definition.lock(tx, ref.organizationId, ref.id);
  if (row === null) return { acts: [], nextDueAt: null, done: true, details: 'Its row is gone.', status: 'gone' };
  const at = laterOf(requestedAt, row.lastAt);
  const by: Actor = { ...CLOCK, workflowId: entityWorkflowId(definition.kind, ref.id) };
  const after = await write(tx, definition, row, definition.settle(row, at), { at, by });
  return {
    acts: definition.acts(after, at),
    nextDueAt: after.nextDueAt,
    done: definition.isDone(after),
    details: definition.describe(after),
    status: definition.status(after),
  };
}

/** What a workflow would see of the row: when this changes, it must be woken. */
function wants<E extends EntityRow, Act extends EntityAct>(definition: EntityDefinition<E, Act>, entity: E, at: Instant): string {
  return JSON.stringify([definition.acts(entity, at), entity.nextDueAt, definition.isDone(entity)]);
}

async function write<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  before: E,
  settled: Settled<E>,
  decision: Decision,
): Promise<E> {
  if (settled.transitions.length === 0) return before;
  const after = written(before, settled, decision.at);
  await definition.save(tx, before, after);
  await recordSteps(tx, definition, settled.transitions, decision);
  return after;
}

/** What became of one of many rows. */
interface Decided<E> {
  before: E;
  /** The same as `before` when nothing changed. */
  after: E;
  entries: NewLedgerEntry[];
  at: Instant;
}

function decidedOf<E extends EntityRow, Act extends EntityAct>(
  definition: EntityDefinition<E, Act>,
  before: E,
  settled: Settled<E>,
  decision: Pick<Decision, 'at' | 'by' | 'outcomeKey'>,
): Decided<E> {
  const after = settled.transitions.length === 0 ? before : written(before, settled, decision.at);
  return { before, after, entries: entriesOf(definition, settled.transitions, decision), at: decision.at };
}

async function writeTogether<E extends EntityRow>(tx: Transaction, rows: Pick<RowsTogether<E>, 'save'>, decided: readonly Decided<E>[]): Promise<void> {
  await rows.save(tx, decided.filter(({ before, after }) => after !== before));
  await recordLedgerEntries(tx, decided.flatMap(({ entries }) => entries));
}

/** The row as it is written after its steps. */
function written<E extends EntityRow>(before: E, { entity, transitions }: Settled<E>, at: Instant): E {
  const routine = transitions.every((transition) => transition.routine === true);
  return { ...entity, version: routine ? before.version : before.version + 1, lastAt: at };
}

async function recordSteps<E extends EntityRow, Act extends EntityAct>(
  tx: Transaction,
  definition: EntityDefinition<E, Act>,
  steps: Transition<E>[],
  decision: Pick<Decision, 'at' | 'by' | 'outcomeKey'>,
): Promise<void> {
  for (const entry of entriesOf(definition, steps, decision)) await recordLedgerEntry(tx, entry);
}

/** What the ledger is told of steps: all but the routine ones. */
function entriesOf<E extends EntityRow, Act extends EntityAct>(
  definition: EntityDefinition<E, Act>,
  steps: readonly Transition<E>[],
  decision: Pick<Decision, 'at' | 'by' | 'outcomeKey'>,
): NewLedgerEntry[] {
  return steps.flatMap(({ action, before, after, dueAt, routine }, index) => {
    if (routine === true) return [];
    const entry: NewLedgerEntry = {
      id: newId('ledger-entry'),
      organizationId: after.organizationId === NO_ORGANIZATION ? null : after.organizationId,
      at: decision.at,
      dueAt,
      subject: after.id,
      action,
      by: decision.by,
      before: before === null ? null : definition.forLedger(before),
      after: definition.forLedger(after),
      outcomeKey: decision.outcomeKey === undefined ? null : outcomeKeyOf(decision.outcomeKey, index),
    };
    return [entry];
  });
}

function outcomeKeyOf(key: string, index: number): string {
  return index === 0 ? key : `${key}#${index}`;
}

async function isRecorded(tx: Transaction, outcomeKey: string): Promise<boolean> {
  return (await tx('ledger').where('outcome_key', outcomeKey).first('id')) !== undefined;
}

async function recordedAmong(tx: Transaction, outcomeKeys: readonly string[]): Promise<Set<unknown>> {
  return new Set(await tx('ledger').whereIn('outcome_key', [...outcomeKeys]).pluck<string[]>('outcome_key'));
}
