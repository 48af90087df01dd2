import { environmentsOfResources, insertEnvironmentsWherePossible, takenNames } from '../../db/environments/environment-store.ts';
import { instanceTargets, type InstanceTarget } from '../../db/resources/instance-targets.ts';
import { resourceTypes } from '../../db/resources/resource-types.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { INSTANCE_TYPE, nameTaken, newEnvironment, type Environment } from '../../domain/environments/environment.ts';
import { DEFAULT_PROPERTIES } from '../../domain/environments/properties.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { rootPool } from '../pools/root-pool.ts';
import { newId } from '../shared/new-id.ts';
import { recordEnvironmentSteps, type EnvironmentDecision } from './decide-on-environment.ts';
import { deleteEnvironment } from './edit-environment.ts';

/** What became of one instance of a bulk request. */
export type ShareOutcome =
  | { resourceId: string; outcome: 'shared' | 'already-shared' | 'unshared'; environmentId: string }
  | { resourceId: string; outcome: 'not-shared' }
  | { resourceId: string; outcome: 'refused'; error: DomainError };

/**
 * Marks instances as shared, each for itself: each becomes an environment of its name; where that is
 * taken, its cloud id stands behind the name. Refused are ids that are no instance of the
 * organization, resources of other types, and instances that are gone. Repeating it succeeds.
 */
export async function shareInstances(
  tx: Transaction,
  request: { organizationId: string; resourceIds: readonly string[] },
  { at, by }: EnvironmentDecision,
): Promise<ShareOutcome[]> {
  const { organizationId } = request;
  const ids = [...new Set(request.resourceIds)];
  const targets = await instanceTargets(tx, organizationId, ids);
  const types = await resourceTypes(tx, organizationId, ids);
  const known = await environmentsOfResources(tx, organizationId, ids);
  const refusals = new Map(ids.flatMap((id) => refusal(id, targets.get(id), types.get(id))));
  const fit = ids.flatMap((id) => (known.has(id) || refusals.has(id) ? [] : (targets.get(id) ?? [])));
  const pool = await rootPool(tx, { id: organizationId }, at);
  const wished = await named(tx, organizationId, fit);
  const environments = wished.map(({ target, name }) => environmentOf(target, { organizationId, name, poolId: pool.id }, at));
  const written = await insertEnvironmentsWherePossible(tx, environments);
  const made = environments.filter(({ id }) => written.has(id));
  await recordEnvironmentSteps(tx, made.map((after) => ({ action: 'environments.share', before: null, after, dueAt: null })), { at, by });
  // Read anew: somebody else may have marked one meanwhile.
  const shared = await environmentsOfResources(tx, organizationId, ids);
  return ids.map((resourceId): ShareOutcome => {
    const error = refusals.get(resourceId);
    const environmentId = shared.get(resourceId);
    if (environmentId !== undefined) return { resourceId, outcome: written.has(environmentId) ? 'shared' : 'already-shared', environmentId };
    return { resourceId, outcome: 'refused', error: error ?? nameTaken(targets.get(resourceId)?.name ?? resourceId, INSTANCE_TYPE) };
  });
}

/**
 * Takes the mark from instances, each for itself: their environments are deleted, bookings end and
 * holders are told. One that is not shared stays as it is. Environments are locked in the order of their ids.
 */
export async function unshareInstances(
  tx: Transaction,
  request: { organizationId: string; resourceIds: readonly string[] },
  decision: EnvironmentDecision,
): Promise<ShareOutcome[]> {
  const { organizationId } = request;
  const ids = [...new Set(request.resourceIds)];
  const known = await environmentsOfResources(tx, organizationId, ids);
  const types = await resourceTypes(tx, organizationId, ids);
  const gone = new Set<string>();
  for (const id of [...known.values()].toSorted()) {
    // Another call may have taken the mark between reading and locking: then there is nothing left to do.
    const deleted = await deleteEnvironment(tx, { organizationId, id }, { at: decision.at, by: decision.by }).catch(nullIfGone);
    if (deleted !== null) gone.add(id);
  }
  return ids.map((resourceId): ShareOutcome => {
    const environmentId = known.get(resourceId);
    if (environmentId !== undefined && gone.has(environmentId)) return { resourceId, outcome: 'unshared', environmentId };
    return types.has(resourceId) ? { resourceId, outcome: 'not-shared' } : { resourceId, outcome: 'refused', error: notFound('resource', resourceId) };
  });
}

function nullIfGone(error: unknown): null {
  if (error instanceof DomainError && error.code === 'environment.not-found') return null;
  throw error;
}

function refusal(id: string, target: InstanceTarget | undefined, type: string | undefined): [string, DomainError][] {
  if (type === undefined) return [[id, notFound('resource', id)]];
  if (target === undefined) return [[id, notShareable(id, type)]];
  if (!target.isGone) return [];
  const message = `${target.name} no longer exists with its cloud.`;
  return [[id, new DomainError({ kind: 'conflict', code: 'environments.instance-gone', message, details: { resource_id: id } })]];
}

function notShareable(id: string, type: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'environments.not-shareable',
    message: `${id} is of type ${type} and no instance that discovery knows; only those are shared. Make an environment by hand for it.`,
    details: { resource_id: id, resource_type: type },
  });
}

/** Names for new environments, of which no two are the same. */
async function named(tx: Transaction, organizationId: string, targets: readonly InstanceTarget[]): Promise<{ target: InstanceTarget; name: string }[]> {
  const taken = await takenNames(tx, organizationId, INSTANCE_TYPE, targets.map((target) => target.name));
  const given = new Set<string>();
  return targets.map((target) => {
    const isFree = target.name !== '' && !taken.has(target.name) && !given.has(target.name.toLowerCase());
    const name = isFree ? target.name : `${target.name} (${target.ref.nativeId})`.trim();
    given.add(name.toLowerCase());
    return { target, name };
  });
}

function environmentOf(target: InstanceTarget, place: { organizationId: string; name: string; poolId: string }, at: string): Environment {
  const fields = { ...place, id: newId('environment'), resourceType: INSTANCE_TYPE, resourceId: target.resourceId, isActive: true, sshRequired: false };
  const rest = { properties: { ...DEFAULT_PROPERTIES }, ownerUserId: null, powerOnBefore: false, powerOffAfter: false };
  return newEnvironment({ ...fields, ...rest }, null, at);
}
