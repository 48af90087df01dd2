import { environmentsOfResources, insertEnvironmentsWherePossible, takenNames } from '../../db/environments/environment-store.ts';
import { shareableResources, type ShareableResource } from '../../db/resources/shareable-resources.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { nameTaken, newEnvironment, sharedAs, type Environment, type SharedAs } from '../../domain/environments/environment.ts';
import { DEFAULT_PROPERTIES } from '../../domain/environments/properties.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { rootPool } from '../pools/root-pool.ts';
import { newId } from '../shared/new-id.ts';
import { recordEnvironmentSteps, type EnvironmentDecision } from './decide-on-environment.ts';
import { deleteEnvironment } from './edit-environment.ts';

/** What became of one resource of a bulk request. */
export type ShareOutcome =
  | { resourceId: string; outcome: 'shared' | 'already-shared' | 'unshared'; environmentId: string }
  | { resourceId: string; outcome: 'not-shared' }
  | { resourceId: string; outcome: 'refused'; error: DomainError };

/** A resource that can be shared, and what its environment is then. */
interface Fit {
  resource: ShareableResource;
  as: SharedAs;
}

/**
 * Marks instances and clusters as shared, each for itself: each becomes an environment of its name; where that is
 * taken, its cloud id stands behind the name. Refused are ids that are no resource of the organization, resources of
 * other types, and instances that are gone. Repeating it succeeds.
 */
export async function shareResources(
  tx: Transaction,
  request: { organizationId: string; resourceIds: readonly string[] },
  { at, by }: EnvironmentDecision,
): Promise<ShareOutcome[]> {
  const { organizationId } = request;
  const ids = [...new Set(request.resourceIds)];
  const resources = await shareableResources(tx, organizationId, ids);
  const known = await environmentsOfResources(tx, organizationId, ids);
  const looked = new Map(ids.map((id) => [id, lookAt(id, resources.get(id))]));
  const fit = [...looked].flatMap(([id, one]) => (known.has(id) || one instanceof DomainError ? [] : one));
  const pool = await rootPool(tx, { id: organizationId }, at);
  const wished = await named(tx, organizationId, fit);
  const environments = wished.map((one) => environmentOf(one, { organizationId, poolId: pool.id }, at));
  const written = await insertEnvironmentsWherePossible(tx, environments);
  const made = environments.filter(({ id }) => written.has(id));
  await recordEnvironmentSteps(tx, made.map((after) => ({ action: 'environments.share', before: null, after, dueAt: null })), { at, by });
  // Read anew: somebody else may have marked one meanwhile.
  const shared = await environmentsOfResources(tx, organizationId, ids);
  return [...looked].map(([resourceId, one]): ShareOutcome => {
    const environmentId = shared.get(resourceId);
    if (environmentId !== undefined) return { resourceId, outcome: written.has(environmentId) ? 'shared' : 'already-shared', environmentId };
    return { resourceId, outcome: 'refused', error: one instanceof DomainError ? one : nameTaken(one.resource.name, one.as) };
  });
}

/**
 * Takes the mark from instances and clusters, each for itself: their environments are deleted, bookings end and
 * holders are told. One that is not shared stays as it is. Environments are locked in the order of their ids.
 */
export async function unshareResources(
  tx: Transaction,
  request: { organizationId: string; resourceIds: readonly string[] },
  decision: EnvironmentDecision,
): Promise<ShareOutcome[]> {
  const { organizationId } = request;
  const ids = [...new Set(request.resourceIds)];
  const known = await environmentsOfResources(tx, organizationId, ids);
  const resources = await shareableResources(tx, organizationId, ids);
  const gone = new Set<string>();
  for (const id of [...known.values()].toSorted()) {
    // Another call may have taken the mark between reading and locking: then there is nothing left to do.
    const deleted = await deleteEnvironment(tx, { organizationId, id }, { at: decision.at, by: decision.by }).catch(nullIfGone);
    if (deleted !== null) gone.add(id);
  }
  return ids.map((resourceId): ShareOutcome => {
    const environmentId = known.get(resourceId);
    if (environmentId !== undefined && gone.has(environmentId)) return { resourceId, outcome: 'unshared', environmentId };
    return resources.has(resourceId) ? { resourceId, outcome: 'not-shared' } : { resourceId, outcome: 'refused', error: notFound('resource', resourceId) };
  });
}

function nullIfGone(error: unknown): null {
  if (error instanceof DomainError && error.code === 'environment.not-found') return null;
  throw error;
}

/** What an environment of the resource would be, or why there can be none. */
function lookAt(id: string, resource: ShareableResource | undefined): Fit | DomainError {
  if (resource === undefined) return notFound('resource', id);
  const as = sharedAs({ type: resource.type, isInstance: resource.instance !== null });
  if (as === null) return notShareable(id, resource.type);
  if (resource.instance?.isGone !== true) return { resource, as };
  const message = `${resource.name} no longer exists with its cloud.`;
  return new DomainError({ kind: 'conflict', code: 'environments.instance-gone', message, details: { resource_id: id } });
}

function notShareable(id: string, type: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'environments.not-shareable',
    message: `${id} is of type ${type}; only instances that discovery knows and clusters are shared. Make an environment by hand for it.`,
    details: { resource_id: id, resource_type: type },
  });
}

/** With names for the new environments, of which no two of a type are the same. */
async function named(tx: Transaction, organizationId: string, fit: readonly Fit[]): Promise<(Fit & { name: string })[]> {
  const taken = new Map<SharedAs, Set<string>>();
  for (const [as, ones] of Map.groupBy(fit, (one) => one.as)) {
    const names = await takenNames(tx, organizationId, as, ones.map(({ resource }) => resource.name));
    taken.set(as, new Set([...names].map((name) => name.toLowerCase())));
  }
  return fit.map(({ resource, as }) => {
    const given = taken.get(as);
    const called = resource.name === '' ? resource.nativeId : resource.name;
    const name = given?.has(called.toLowerCase()) === true ? `${called} (${resource.nativeId})` : called;
    given?.add(name.toLowerCase());
    return { resource, as, name };
  });
}

function environmentOf({ resource, as, name }: Fit & { name: string }, place: { organizationId: string; poolId: string }, at: string): Environment {
  const fields = { ...place, name, id: newId('environment'), resourceType: as, resourceId: resource.id, isActive: true, sshRequired: false };
  const rest = { properties: { ...DEFAULT_PROPERTIES }, ownerUserId: null, powerOnBefore: false, powerOffAfter: false };
  return newEnvironment({ ...fields, ...rest }, null, at);
}
