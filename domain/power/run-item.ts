import { problemOf, type CloudProblem } from '../data-sources/cloud-errors.ts';
import type { OperationState, PowerCall } from '../data-sources/cloud-ports.ts';
import type { InstanceState, ObservedInstance } from '../resources/instance.ts';
import { DomainError, toErrorRecord, type ErrorRecord } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import type { Wanted } from './claims.ts';
import { fulfils } from './power-state.ts';

/**
 * `settled`: observed in the wanted state. `superseded`: a newer wish took over. `overruled`: a
 * stronger claim wants something else, so nothing was done. `failed`: its failure is final.
 */
export type RunItemState = 'open' | 'settled' | 'superseded' | 'overruled' | 'failed';

/** A trigger's word that another one of the same instant took the place of. */
export interface SupersededWish {
  localTime: string;
  wanted: Wanted;
}

/** One instance of a power run: what is wanted of it and how far that got. */
export interface RunItem {
  position: number;
  resourceId: string;
  dataSourceId: string;
  scheduleId: string | null;
  slot: number;
  /** The fire, claim edge or request that made it. */
  dueAt: Instant;
  /** The fire's local time, null when no trigger made it. */
  localTime: string | null;
  /** The local time lay in a gap of the clock, and `dueAt` is the gap's end. */
  moved: 'gap' | null;
  /** What else the schedule would have said at this instant, in local order: local times of the same gap. */
  superseded: SupersededWish[];
  action: Wanted;
  generation: number;
  state: RunItemState;
  observed: InstanceState | null;
  observedAt: Instant | null;
  /** Calls made, refused ones included. */
  attempts: number;
  calledAt: Instant | null;
  /** The cloud's long-running operation, while it is followed. */
  operation: string | null;
  lastError: ErrorRecord | null;
  /** For people: why it waits, or what the end was. */
  detail: string | null;
  nextAttemptAt: Instant | null;
  deadlineAt: Instant;
  finishedAt: Instant | null;
}

/** A wish is followed this long: longer than any boot, as long as a night without capacity. */
const FOLLOWED_FOR_MS = 12 * 3_600_000;
/** A transition that takes longer is stuck. */
const STUCK_AFTER_MS = 45 * 60_000;
/** A cloud may show the state of before its own answer for a while. */
const CONSISTENT_AFTER_MS = 20_000;

/** What an item is made of. */
export type RunItemWish = Pick<RunItem, 'position' | 'resourceId' | 'dataSourceId' | 'scheduleId' | 'slot' | 'dueAt' | 'localTime' | 'moved' | 'superseded' | 'action' | 'generation'>;

export function newRunItem(wish: RunItemWish, at: Instant): RunItem {
  return {
    ...wish,
    state: 'open',
    observed: null,
    observedAt: null,
    attempts: 0,
    calledAt: null,
    operation: null,
    lastError: null,
    detail: null,
    nextAttemptAt: at,
    deadlineAt: plusMilliseconds(at, FOLLOWED_FOR_MS),
    finishedAt: null,
  };
}

/** What a look at an instance leads to: the item as it is now, and whether the cloud is to be called for it. */
export interface Look {
  item: RunItem;
  call: boolean;
}

/** A newer wish took over. */
export function supersede(item: RunItem, at: Instant): RunItem {
  return { ...end(item, 'superseded', at), detail: 'A newer wish took over.' };
}

/** Its instance is not in the organization's list any more: its data source was deleted. */
export function withoutInstance(item: RunItem, at: Instant): RunItem {
  return fail(item, gone(item), at);
}

/** Decides on one instance from what was observed. `operation` is that of its newest call, when it was followed. */
export function lookAt(item: RunItem, observed: ObservedInstance, operation: OperationState | null, at: Instant): Look {
  const seen: RunItem = { ...item, observed: observed.state, observedAt: at };
  if (fulfils(observed.state, item.action)) return rest(end(seen, 'settled', at));
  if (observed.state === 'terminated') return rest(fail(seen, gone(item), at));
  if (operation?.done === true && operation.error !== null) return rest(afterRefusal({ ...seen, operation: null }, operation.error, at));
  const current: RunItem = operation?.done === true ? { ...seen, operation: null } : seen;
  const underway = inTransition(current, observed.state, at);
  if (underway !== null) return rest(waitFor(current, underway, at));
  if (observed.state === 'suspended') return rest(fail(current, suspended(item), at));
  // Called for and off: if it is charged all the same, another call would change nothing.
  if (current.calledAt !== null && observed.state === 'stopped-billed' && item.action === 'off') return rest(fail(current, stillCharged(item, observed), at));
  if (current.calledAt !== null) return rest(afterRefusal({ ...current, calledAt: null }, fallenBack(current, observed), at));
  return { item: current, call: true };
}

function rest(item: RunItem): Look {
  return { item, call: false };
}

/** Why nothing is to be done but to wait, or null. */
function inTransition(item: RunItem, state: InstanceState, at: Instant): string | null {
  if (item.operation !== null) return 'The cloud works on it.';
  if (state === 'starting' || state === 'stopping') return `It is ${state}.`;
  if (state === 'unknown') return 'The cloud does not tell its state.';
  if (item.calledAt !== null && at < plusMilliseconds(item.calledAt, CONSISTENT_AFTER_MS)) return 'The call was accepted; the cloud does not show it yet.';
  return null;
}

function waitFor(item: RunItem, detail: string, at: Instant): RunItem {
  const since = item.calledAt ?? plusMilliseconds(item.deadlineAt, -FOLLOWED_FOR_MS);
  const taken = Date.parse(at) - Date.parse(since);
  if (taken >= STUCK_AFTER_MS) return fail(item, stuck(item, detail), at);
  // Looks come rarer the longer it takes: after a quarter of the time it has taken, 3 s to 1 min.
  return { ...item, detail, nextAttemptAt: plusMilliseconds(at, Math.min(60_000, Math.max(3_000, taken / 4))) };
}

/** A call is about to be made: counted before it is, so that a killed attempt is not forgotten. */
export function beforeCall(item: RunItem, at: Instant): RunItem {
  return { ...item, attempts: item.attempts + 1, calledAt: at, operation: null, detail: 'The cloud is being called.' };
}

/** What the call's answer means. */
export function afterCall(item: RunItem, call: PowerCall, at: Instant): RunItem {
  if (!call.accepted) return afterRefusal({ ...item, calledAt: null }, call.error, at);
  return { ...item, operation: call.operation, lastError: null, detail: 'The cloud accepted the call.', nextAttemptAt: plusMilliseconds(at, 3_000) };
}

/** Seconds until the next try of the n-th refusal: doubling from `first` to `most`. */
const PATIENCE: Partial<Record<CloudProblem, { first: number; most: number }>> = {
  throttled: { first: 5, most: 300 },
  unavailable: { first: 5, most: 300 },
  'wrong-state': { first: 5, most: 60 },
  'no-capacity': { first: 30, most: 900 },
  'quota-exceeded': { first: 60, most: 900 },
};

/** Refused with others of its batch, not for itself: it is called without them next. */
const ASSUMED = { first: 2, most: 60 };

/** A refusal that time may heal is tried again, later each time; any other is final. */
export function afterRefusal(item: RunItem, error: DomainError, at: Instant): RunItem {
  const problem = problemOf(error) ?? 'rejected';
  const isOfAccount = problem === 'bad-credentials' || problem === 'account-disabled';
  const patience = PATIENCE[problem] ?? (error.details.assumed === true && !isOfAccount ? ASSUMED : undefined);
  if (patience === undefined) return fail(item, error, at);
  const backOff = Math.min(patience.most, patience.first * 2 ** Math.max(0, item.attempts - 1));
  const seconds = Math.max(backOff, error.retryAfterSeconds ?? 0);
  const nextAttemptAt = plusMilliseconds(at, Math.round(seconds * 1000 * (1 + spread(item))));
  if (nextAttemptAt >= item.deadlineAt) return fail(item, error, at);
  return { ...item, lastError: toErrorRecord(error), detail: 'The cloud refused; it is tried again.', nextAttemptAt };
}

/**
 * Up to a fifth, the same for all of a portion: those refused together come back together, as one batch. Portions that
 * were refused together do not.
 */
function spread({ dataSourceId, slot }: RunItem): number {
  let sum = 0;
  for (const character of `${dataSourceId}/${slot}`) sum = (sum * 31 + character.charCodeAt(0)) % 1009;
  return sum / 1009 / 5;
}

function end(item: RunItem, state: RunItemState, at: Instant): RunItem {
  return { ...item, state, operation: null, nextAttemptAt: null, finishedAt: at, detail: null };
}

function fail(item: RunItem, error: DomainError, at: Instant): RunItem {
  return { ...end(item, 'failed', at), lastError: toErrorRecord(error) };
}

function gone({ resourceId }: RunItem): DomainError {
  return new DomainError({
    kind: 'not-found',
    code: 'power.instance-gone',
    message: `The instance of resource ${resourceId} no longer exists with its cloud. Detach it from its schedule.`,
  });
}

function suspended({ resourceId }: RunItem): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'power.instance-suspended',
    message: `The instance of resource ${resourceId} is suspended, which a start does not end. Resume it with its cloud.`,
  });
}

function stillCharged({ resourceId }: RunItem, observed: ObservedInstance): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'power.still-charged',
    message: `The instance of resource ${resourceId} is off, but its cloud goes on charging for it (${observed.stateReason ?? 'it does not say why'}).`,
    details: { state_reason: observed.stateReason },
  });
}

function stuck({ resourceId, action }: RunItem, detail: string): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'power.stuck',
    message: `Resource ${resourceId} was to be ${action} and did not get there in time. ${detail} Look at it in the cloud's console, then run the schedule again.`,
  });
}

/** What clouds write in a state's reason when they had no machine to give. */
const SOUNDS_LIKE_CAPACITY = /capacity|allocation|exhausted|no.?stock/i;

function fallenBack({ resourceId }: RunItem, observed: ObservedInstance): DomainError {
  const problem = SOUNDS_LIKE_CAPACITY.test(observed.stateReason ?? '') ? 'no-capacity' : 'unavailable';
  return new DomainError({
    kind: 'unavailable',
    code: `power.${problem}`,
    message: `The cloud accepted the call for resource ${resourceId}, which then was ${observed.state} again: ${observed.stateReason ?? 'the cloud gives no reason'}.`,
    details: { state_reason: observed.stateReason },
  });
}
