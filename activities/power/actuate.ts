import { recordLooks, type Looks } from '../../commands/power/record-looks.ts';
import { wantedGenerations } from '../../db/power/power-state-store.ts';
import { openItems } from '../../db/power/run-item-store.ts';
import { instanceTargets, type InstanceTarget } from '../../db/resources/instance-targets.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { CloudAccount, OperationState } from '../../domain/data-sources/cloud-ports.ts';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import { afterCall, afterRefusal, beforeCall, lookAt, supersede, withoutInstance, type RunItem } from '../../domain/power/run-item.ts';
import { refusalOf } from '../../domain/power/stoppable.ts';
import type { InstanceRef, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { ActuateAct } from '../../workflows/power/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';
import { openAccount, type OpenAccount } from '../shared/open-account.ts';
import { callClouds } from './call-clouds.ts';
import type { PowerActivityDependencies } from './dependencies.ts';

/** What one attempt works on. */
interface Portion {
  deps: PowerActivityDependencies;
  ref: EntityRef;
  account: OpenAccount;
  targets: ReadonlyMap<string, InstanceTarget>;
  signal: AbortSignal;
}

/** An item that has an instance to call for. */
interface Callable {
  item: RunItem;
  ref: InstanceRef;
}

/**
 * Looks at the instances of one portion of a run that want it now, and calls the cloud for those that
 * need it. Observes before it calls, reads the wanted generation again right before, and counts each
 * call before it is made: a repeat after a kill sees what the lost call did. A refusal is kept with
 * its item and never holds up the others; nothing but a lost database or a stopped worker fails it.
 */
export async function actuate(deps: PowerActivityDependencies, ref: EntityRef, act: ActuateAct): Promise<string> {
  return await longAttempt(async ({ signal }) => {
    const items = await openItems(deps.db, ref.organizationId, ref.id, act.slot, deps.clock.now());
    const [first] = items;
    if (first === undefined) return 'nothing wants to be looked at';
    const targets = await instanceTargets(deps.db, ref.organizationId, items.map((item) => item.resourceId));
    const current = await dropSuperseded(deps, ref, await dropLost(deps, ref, items, targets));
    if (current.length === 0) return 'superseded, or without an instance';
    const account = await orRefusal(() => openAccount(deps, { organizationId: ref.organizationId, id: first.dataSourceId }));
    if (account instanceof DomainError) return await refuseAll(deps, ref, current, account);
    return await bringToWanted({ deps, ref, account, targets, signal }, current);
  });
}

/** Ends items whose instance left with its data source; answers with the others. First of all: what was wanted of it is gone too. */
async function dropLost(deps: PowerActivityDependencies, ref: EntityRef, items: RunItem[], targets: ReadonlyMap<string, InstanceTarget>): Promise<RunItem[]> {
  const [known, lost] = partition(items, (item) => targets.has(item.resourceId));
  if (lost.length > 0) await record(deps, ref, { items: lost.map((item) => withoutInstance(item, deps.clock.now())), observed: new Map() });
  return known;
}

/** Ends items for which a newer wish took over; answers with the others. */
async function dropSuperseded(deps: PowerActivityDependencies, ref: EntityRef, items: RunItem[]): Promise<RunItem[]> {
  const generations = await wantedGenerations(deps.db, ref.organizationId, items.map((item) => item.resourceId));
  const isCurrent = (item: RunItem): boolean => generations.get(item.resourceId) === item.generation;
  const stale = items.filter((item) => !isCurrent(item));
  if (stale.length > 0) await record(deps, ref, { items: stale.map((item) => supersede(item, deps.clock.now())), observed: new Map() });
  return items.filter(isCurrent);
}

async function bringToWanted(portion: Portion, items: RunItem[]): Promise<string> {
  const { deps, ref, account, targets, signal } = portion;
  const known = items.flatMap((item) => {
    const target = targets.get(item.resourceId);
    return target === undefined ? [] : [{ item, ref: target.ref }];
  });
  const observed = await orRefusal(() => account.power.observe(known.map((one) => one.ref), signal));
  if (observed instanceof DomainError) return await refuseAll(deps, ref, known.map((one) => one.item), observed);
  const { looks, calls } = await lookAtAll(portion, known, observed);
  const { counted, superseded } = await beforeCalls(portion, calls);
  await record(deps, ref, { items: [...looks.items, ...superseded, ...counted.map((one) => one.item)], observed: looks.observed });
  if (counted.length > 0) await call(portion, counted);
  return `${known.length} looked at, ${counted.length} called for`;
}

async function lookAtAll(
  { deps, account, targets, signal }: Portion,
  known: readonly Callable[],
  observed: ReadonlyMap<string, ObservedInstance>,
): Promise<{ looks: Looks; calls: Callable[] }> {
  const seen = new Map<string, ObservedInstance>();
  const items: RunItem[] = [];
  const calls: Callable[] = [];
  const operations = await followOperations(account, known, signal);
  const at = deps.clock.now();
  for (const { item, ref } of known) {
    const now = observed.get(ref.nativeId) ?? { state: 'unknown' as const, stateReason: null };
    const target = targets.get(item.resourceId) as InstanceTarget;
    const look = lookAt(item, now, operations.get(item.position) ?? null, at);
    const refusal = look.call && item.action === 'off' ? refusalOf(target) : null;
    // What is called for in the state that is known of it will be seen in another one in a moment.
    if (!look.call || now.state !== target.state) seen.set(item.resourceId, now);
    if (refusal !== null) items.push(afterRefusal(look.item, refusal, at));
    else if (look.call) calls.push({ item: look.item, ref });
    else items.push(look.item);
  }
  return { looks: { items, observed: seen }, calls };
}

/** How the operations of earlier calls are doing, by position. One that cannot be read now is read at the next look. */
async function followOperations(account: CloudAccount, known: readonly Callable[], signal: AbortSignal): Promise<Map<number, OperationState>> {
  const states = new Map<number, OperationState>();
  const followed = known.filter(({ item }) => item.operation !== null);
  await inParallel(account.power.concurrency, followed, async ({ item, ref }) => {
    const state = await orRefusal(() => account.power.followOperation(ref, item.operation as string, signal));
    if (!(state instanceof DomainError)) states.set(item.position, state);
    else if (!isPassing(state)) states.set(item.position, { done: true, error: state });
  });
  return states;
}

/** The last look at what is wanted: whoever changed it since has a run of their own. */
async function beforeCalls({ deps, ref }: Portion, calls: Callable[]): Promise<{ counted: Callable[]; superseded: RunItem[] }> {
  if (calls.length === 0) return { counted: [], superseded: [] };
  const generations = await wantedGenerations(deps.db, ref.organizationId, calls.map((one) => one.item.resourceId));
  const at = deps.clock.now();
  const [current, stale] = partition(calls, ({ item }) => generations.get(item.resourceId) === item.generation);
  return { counted: current.map(({ item, ref }) => ({ item: beforeCall(item, at), ref })), superseded: stale.map(({ item }) => supersede(item, at)) };
}

async function call({ deps, ref, account, signal }: Portion, counted: Callable[]): Promise<void> {
  const answers = await callClouds(account, counted, ref.id, signal);
  const answeredAt = deps.clock.now();
  const after = counted.flatMap(({ item }) => {
    const answer = answers.get(item.position);
    return answer === undefined ? [] : [afterCall(item, answer, answeredAt)];
  });
  await record(deps, ref, { items: after, observed: new Map() });
}

async function refuseAll(deps: PowerActivityDependencies, ref: EntityRef, items: readonly RunItem[], error: DomainError): Promise<string> {
  const at = deps.clock.now();
  await record(deps, ref, { items: items.map((item) => afterRefusal({ ...item, attempts: item.attempts + 1 }, error, at)), observed: new Map() });
  return `${items.length} refused: ${error.code}`;
}

async function record(deps: PowerActivityDependencies, ref: EntityRef, looks: Looks): Promise<void> {
  if (looks.items.length === 0 && looks.observed.size === 0) return;
  const decision = { at: deps.clock.now(), by: actingActivity('power run') };
  await inTransaction(deps.db, (tx) => recordLooks(tx, ref, looks, decision));
}

function isPassing(error: DomainError): boolean {
  const problem = problemOf(error);
  return problem === 'throttled' || problem === 'unavailable';
}

/** What was refused is an answer; anything else is thrown on. */
async function orRefusal<T>(work: () => T | Promise<T>): Promise<T | DomainError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

function partition<T>(all: readonly T[], matches: (one: T) => boolean): [T[], T[]] {
  return [all.filter(matches), all.filter((one) => !matches(one))];
}

async function inParallel<T>(width: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const rest = all.values();
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, async () => {
    for (const one of rest) await work(one);
  }));
}
