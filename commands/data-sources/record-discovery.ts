import { holdsDiscoveryFence, forgetUnnamedScopes, saveScope } from '../../db/data-sources/discovery-store.ts';
import { keepTagKeys } from '../../db/billing/merge-resources.ts';
import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { updateOperationProgress } from '../../db/operations/operation-store.ts';
import {
  countInScope,
  countUnwritten,
  markUnseenGone,
  refreshKnown,
  tryMergeLock,
  writeResources,
  type InstanceChange,
  type SeenInstances,
  type StateChange,
} from '../../db/resources/instance-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import {
  completeDiscovery,
  failDiscovery,
  incompleteDiscovery,
  type DiscoveryCounts,
} from '../../domain/data-sources/discovery.ts';
import { INSTANCE_IN_BILLS, tagsInBills, type DiscoveredType } from '../../domain/resources/discovered-resource.ts';
import type { Cloud, DiscoveredInstance, InstanceState } from '../../domain/resources/instance.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { noticeObserved, withOpenItems } from '../power/port.ts';
import { reselect } from '../power-schedules/port.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { dataSourceEntity } from './data-source-entity.ts';
import { discoveryProgress } from './follow-operations.ts';

/** The attempt that may write what it sees. */
export interface DiscoveryAttempt {
  ref: EntityRef;
  cloud: Cloud;
  discoveryId: string;
  fence: number;
  by: Actor;
}

/** One page of instances, in one scope. */
export interface SeenPage {
  scope: string;
  instances: readonly DiscoveredInstance[];
  at: Instant;
}

const TYPE: DiscoveredType = 'instance';
const GONE_PER_STEP = 500;

/** What an attempt is told when another has taken its place, or the discovery is not wanted any more. */
export function discoveryFencedOut(discoveryId: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'data-sources.fenced-out',
    message: `Discovery ${discoveryId} is no longer this attempt's: it has ended, or a newer attempt runs.`,
  });
}

/** Locks the data source; refuses with `data-sources.fenced-out` unless the fence is still held. */
async function requireFence(tx: Transaction, { ref, discoveryId, fence }: DiscoveryAttempt): Promise<void> {
  if (!(await holdsDiscoveryFence(tx, ref.organizationId, ref.id, { discoveryId, fence }, true))) throw discoveryFencedOut(discoveryId);
}

function pageOf({ ref, cloud, fence }: DiscoveryAttempt, { scope, instances, at }: SeenPage): SeenInstances {
  const last = new Map(instances.map((instance) => [`${instance.accountId} ${instance.nativeId}`, instance]));
  return {
    organizationId: ref.organizationId,
    dataSourceId: ref.id,
    cloud,
    scope,
    fence,
    at,
    instances: [...last.values()].map((instance) => ({ ...instance, resourceTags: tagsInBills(cloud, instance.tags).tags })),
  };
}

/** What a write made of instances, for those who act on it. */
interface Changes {
  /** In another state than before. */
  moved: readonly { resourceId: string; state: InstanceState }[];
  /** New, returned or gone, or other in name, tags, type or whether they can be stopped. */
  other: readonly string[];
  at: Instant;
}

/** An event for each instance that is gone, came back, or was brought into another state by somebody else, in the transaction that writes it. */
async function recordStates(tx: Transaction, { ref: { organizationId }, by }: DiscoveryAttempt, changes: readonly (StateChange & { returned?: boolean })[], at: Instant): Promise<void> {
  const moved = changes.filter(({ before, after, returned }) => before !== after || returned === true);
  if (moved.length === 0) return;
  // What a run of ours is at, its own end tells.
  const ours = await withOpenItems(tx, organizationId, moved.map(({ resourceId }) => resourceId));
  const news = moved.filter(({ resourceId, after, returned }) => after === 'terminated' || returned === true || !ours.has(resourceId));
  await recordLedgerEntries(
    tx,
    news.map(({ resourceId, before, after, reason, returned }) => ({
      id: newId('ledger-entry'),
      organizationId,
      at,
      subject: resourceId,
      action: after === 'terminated' ? 'resources.lose-instance' : returned === true ? 'resources.regain-instance' : 'resources.observe-state',
      by,
      before: { state: before },
      after: { state: after, reason },
    })),
  );
}

/** Power hears of states that somebody else changed, schedules choose anew among what is other than before: in the transaction that writes it. */
async function tell(tx: Transaction, { ref: { organizationId }, by }: DiscoveryAttempt, { moved, other, at }: Changes): Promise<void> {
  if (moved.length > 0) await noticeObserved(tx, organizationId, moved.map((one) => ({ ...one, observedAt: at })), at);
  if (other.length > 0) await reselect(tx, organizationId, other, { at, by });
}

/**
 * Keeps what a page says of instances that are known. Answers how many changed, and whether
 * `recordNewInstances` has to follow for the same page.
 */
export async function recordKnownInstances(tx: Transaction, attempt: DiscoveryAttempt, seen: SeenPage): Promise<{ changed: number; unwritten: boolean }> {
  await requireFence(tx, attempt);
  const page = pageOf(attempt, seen);
  const known = await refreshKnown(tx, page);
  const moved = known.filter(({ before, after }) => before !== after);
  await recordStates(tx, attempt, known, seen.at);
  const other = known.filter((one) => one.attributesChanged || one.returned || (one.after === 'terminated' && one.before !== one.after));
  const idsOf = (changes: readonly InstanceChange[]): string[] => changes.map(({ resourceId }) => resourceId);
  await tell(tx, attempt, { moved: moved.map(({ resourceId, after }) => ({ resourceId, state: after })), other: idsOf(other), at: seen.at });
  const unwritten = await countUnwritten(tx, page, INSTANCE_IN_BILLS[attempt.cloud]);
  return { changed: new Set([...idsOf(moved), ...idsOf(other)]).size, unwritten: unwritten > 0 };
}

/**
 * Gives the new instances of a page their rows, and brings resources that no bill names up to date.
 * Answers how many are new, or null when a billing merge holds the lock: then try again in a moment.
 */
export async function recordNewInstances(tx: Transaction, attempt: DiscoveryAttempt, seen: SeenPage): Promise<{ added: number } | null> {
  const { organizationId } = attempt.ref;
  await requireFence(tx, attempt);
  if (!(await tryMergeLock(tx, organizationId))) return null;
  const page = pageOf(attempt, seen);
  const added = await writeResources(tx, page, INSTANCE_IN_BILLS[attempt.cloud], (count) => Array.from({ length: count }, () => newId('resource')));
  const keys = new Map(seen.instances.flatMap(({ tags }) => tagsInBills(attempt.cloud, tags).keys).map((key) => [`${key.sourceKey}\n${key.normalisedKey}`, key]));
  await keepTagKeys(tx, organizationId, [...keys.values()]);
  await tell(tx, attempt, { moved: added, other: added.map((one) => one.resourceId), at: seen.at });
  return { added: added.length };
}

/**
 * The look at a scope ended. Listed whole, some of what it did not show is marked gone: repeat it until
 * it is done. Nothing of a scope that failed is called gone.
 */
export async function recordScopeEnd(
  tx: Transaction,
  attempt: DiscoveryAttempt,
  { scope, error, at }: { scope: string; error: DomainError | null; at: Instant },
): Promise<{ gone: number; done: boolean }> {
  const { organizationId, id: dataSourceId } = attempt.ref;
  await requireFence(tx, attempt);
  const unseen = { organizationId, dataSourceId, scope, fence: attempt.fence, at, limit: GONE_PER_STEP };
  const gone = error === null ? await markUnseenGone(tx, unseen) : [];
  await recordStates(tx, attempt, gone, at);
  await tell(tx, attempt, { moved: gone.map(({ resourceId, after }) => ({ resourceId, state: after })), other: gone.map(({ resourceId }) => resourceId), at });
  const done = gone.length < GONE_PER_STEP;
  if (done) {
    const resources = await countInScope(tx, organizationId, dataSourceId, scope);
    await saveScope(tx, organizationId, dataSourceId, { resourceType: TYPE, scope, error: error === null ? null : toErrorRecord(error), resources, at });
  }
  return { gone: gone.length, done };
}

/** Shows how far the discovery is, to a person who asked for it. */
export async function recordDiscoveryProgress(
  tx: Transaction,
  attempt: DiscoveryAttempt,
  operation: { id: string; counts: DiscoveryCounts; at: Instant },
): Promise<void> {
  await requireFence(tx, attempt);
  await updateOperationProgress(tx, attempt.ref.organizationId, operation.id, discoveryProgress(operation.counts), operation.at);
}

/** What a discovery that reached its end tells. */
export interface DiscoveryOutcome {
  counts: DiscoveryCounts;
  listed: readonly string[];
  failed: readonly { scope: string; error: ErrorRecord }[];
}

/** The account was looked through. Scopes that the cloud did not name any more are forgotten, or kept with a reason while instances are known of them. */
export async function recordDiscovered(tx: Transaction, attempt: DiscoveryAttempt, outcome: DiscoveryOutcome, decision: Decision): Promise<void> {
  const { ref, discoveryId } = attempt;
  await requireFence(tx, attempt);
  const named = { resourceType: TYPE, scopes: [...outcome.listed, ...outcome.failed.map((one) => one.scope)] };
  const failed = [...outcome.failed];
  for (const { scope, resources } of await forgetUnnamedScopes(tx, ref.organizationId, ref.id, named)) {
    const error = toErrorRecord(scopeUnnamed(scope, resources));
    failed.push({ scope, error });
    await saveScope(tx, ref.organizationId, ref.id, { resourceType: TYPE, scope, error, resources, at: decision.at });
  }
  const incomplete = incompleteDiscovery(failed, outcome.listed.length);
  await decide(tx, dataSourceEntity, ref, decision, (source, at) => completeDiscovery(source, discoveryId, { counts: outcome.counts, incomplete }, at));
}

function scopeUnnamed(scope: string, resources: number): DomainError {
  return new DomainError({
    kind: 'not-found',
    code: 'data-sources.scope-unnamed',
    message: `The cloud does not name ${scope} any more, of which ${resources} ${resources === 1 ? 'instance is' : 'instances are'} known. Enable it for the account again, or delete them there.`,
    details: { scope, resources },
  });
}

/** The discovery cannot go on; what it saw until then stays. */
export async function recordDiscoveryFailure(tx: Transaction, attempt: DiscoveryAttempt, error: ErrorRecord, decision: Decision): Promise<void> {
  await requireFence(tx, attempt);
  await decide(tx, dataSourceEntity, attempt.ref, decision, (source, at) => failDiscovery(source, attempt.discoveryId, error, at));
}
