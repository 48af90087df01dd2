import type { Cloud } from '../resources/instance.ts';
import { step, unchanged, type Actor, type EntityRow, type Settled } from '../shared/entity.ts';
import type { Instant } from '../shared/time.ts';
import type { RunItem, RunItemState } from './run-item.ts';

/**
 * `trigger`: schedules fired. `claim`: a claim began or ended. `run-now`, `apply-now`: a person had a
 * schedule applied. `start`, `stop`, `release`: a person asked for instances.
 */
export const RUN_CAUSES = ['trigger', 'claim', 'run-now', 'apply-now', 'start', 'stop', 'release'] as const;
export type RunCause = (typeof RUN_CAUSES)[number];

/** `failed`: it ended, and for at least one instance the failure was final. */
export type PowerRunState = 'running' | 'completed' | 'failed';

/** A portion of a run: instances of one data source that one activity looks after. */
export interface RunSlot {
  slot: number;
  dataSourceId: string;
  /** How many of its items are open. */
  open: number;
  /** When the first of them wants to be looked at; null when none is open. */
  nextAttemptAt: Instant | null;
}

export type RunCounts = Record<RunItemState, number>;

/** Brings many instances to what is wanted of them. Ends when each is observed there, superseded, or its failure is final. */
export interface PowerRun extends EntityRow {
  cause: RunCause;
  requestedBy: Actor;
  /** Of a run that a person asked for. */
  operationId: string | null;
  state: PowerRunState;
  slots: RunSlot[];
  counts: RunCounts;
  dueAt: Instant;
  createdAt: Instant;
  finishedAt: Instant | null;
}

/** Instances in one portion: what a cloud takes in a few calls beside each other. Some take a hundred in one call, some a single one. */
export const ITEMS_PER_SLOT: Readonly<Record<Cloud, number>> = { aws: 250, alibaba: 250, sandbox: 250, azure: 100, gcp: 100 };
/** Instances in one run: their looks must fit one history. */
export const ITEMS_PER_RUN = 1_000;

export const NO_ITEMS: RunCounts = { open: 0, settled: 0, superseded: 0, overruled: 0, failed: 0 };

/** A run as its items say. */
export function newPowerRun(
  run: Pick<PowerRun, 'id' | 'organizationId' | 'cause' | 'requestedBy' | 'operationId' | 'dueAt'>,
  items: readonly RunItem[],
  at: Instant,
): PowerRun {
  const slots = slotsOf(items);
  return {
    ...run,
    version: 1,
    lastAt: at,
    nextDueAt: nextLook(slots),
    state: 'running',
    slots,
    counts: countsOf(items),
    createdAt: at,
    finishedAt: null,
  };
}

function slotsOf(items: readonly RunItem[]): RunSlot[] {
  const slots = new Map<number, RunSlot>();
  for (const { slot, dataSourceId, state, nextAttemptAt } of items) {
    const known = slots.get(slot) ?? { slot, dataSourceId, open: 0, nextAttemptAt: null };
    if (state === 'open') {
      known.open += 1;
      known.nextAttemptAt = earlierOf(known.nextAttemptAt, nextAttemptAt);
    }
    slots.set(slot, known);
  }
  return [...slots.values()];
}

function countsOf(items: readonly RunItem[]): RunCounts {
  const counts = { ...NO_ITEMS };
  for (const { state } of items) counts[state] += 1;
  return counts;
}

function earlierOf(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function nextLook(slots: readonly RunSlot[]): Instant | null {
  return slots.reduce<Instant | null>((first, { nextAttemptAt }) => earlierOf(first, nextAttemptAt), null);
}

/** Puts numbers read from the items in place of the run's. */
export function withProgress(run: PowerRun, slots: RunSlot[], counts: RunCounts): PowerRun {
  return { ...run, slots, counts, nextDueAt: nextLook(slots) };
}

/** Ends a run of which nothing is open any more. Repeating it changes nothing. */
export function settleRun(run: PowerRun, at: Instant): Settled<PowerRun> {
  if (run.state !== 'running' || run.counts.open > 0) return unchanged(run);
  const state: PowerRunState = run.counts.failed > 0 ? 'failed' : 'completed';
  return step(run, { ...run, state, nextDueAt: null, finishedAt: at }, state === 'failed' ? 'power.fail-run' : 'power.complete-run');
}

/** Portions with something to do at this instant. */
export function dueSlots(run: PowerRun, at: Instant): RunSlot[] {
  return run.slots.filter(({ open, nextAttemptAt }) => open > 0 && (nextAttemptAt === null || nextAttemptAt <= at));
}
