import { insertEnvironment } from '../../db/environments/environment-store.ts';
import { holdPool } from '../../db/pools/pool-store.ts';
import { instanceTargets } from '../../db/resources/instance-targets.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import {
  deactivate,
  deleteEnvironment as remove,
  editEnvironment as edit,
  newEnvironment,
  reactivate,
  type CannotSwitch,
  type Environment,
  type EnvironmentEdit,
  type NewEnvironment,
} from '../../domain/environments/environment.ts';
import { invalidField } from '../../domain/shared/errors.ts';
import { refusalOf } from '../../domain/power/stoppable.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { endBookingsOf, followEnvironment, takeOffersBack } from '../bookings/port.ts';
import { followRenamedEnvironment } from '../calendar/port.ts';
import { requireOwnerIsMember } from '../organizations/require-member.ts';
import { rootPool } from '../pools/root-pool.ts';
import { newId } from '../shared/new-id.ts';
import { decideOnEnvironment, recordEnvironmentSteps, refuseTakenName, type EnvironmentDecision } from './decide-on-environment.ts';
import { tellOfEnvironment } from './tell-of-environment.ts';

/** An environment made by hand. Its pool is the root when null. */
export type EnvironmentWish = Pick<NewEnvironment, 'organizationId' | 'name' | 'resourceType' | 'sshRequired' | 'properties' | 'ownerUserId'> & { poolId: string | null };

/** Makes an environment by hand. Throws `environments.name-taken`; refuses an unknown pool or an owner who is no member by field. */
export async function createEnvironment(tx: Transaction, wish: EnvironmentWish, { at, by }: EnvironmentDecision): Promise<Environment> {
  const { organizationId } = wish;
  await requireOwnerIsMember(tx, organizationId, wish.ownerUserId);
  const poolId = await poolFor(tx, organizationId, wish.poolId, at);
  const fields = { ...wish, id: newId('environment'), poolId, resourceId: null, isActive: true, powerOnBefore: false, powerOffAfter: false };
  const environment = newEnvironment(fields, BY_HAND, at);
  await insertEnvironment(tx, environment).catch((error: unknown) => refuseTakenName(error, environment));
  await recordEnvironmentSteps(tx, [{ action: 'environments.create', before: null, after: environment, dueAt: null }], { at, by });
  return environment;
}

/** Changes an environment; properties are merged, null takes one away. */
export async function editEnvironment(tx: Transaction, ref: EntityRef, changes: EnvironmentEdit, decision: EnvironmentDecision): Promise<Environment> {
  const { organizationId } = ref;
  const { environment } = await decideOnEnvironment(tx, ref, decision, async (current, at) => {
    await requireOwnerIsMember(tx, organizationId, changes.ownerUserId);
    if (changes.poolId !== undefined) await poolFor(tx, organizationId, changes.poolId, at);
    return edit(current, changes, await cannotSwitch(tx, current));
  });
  const switchesPower = changes.powerOnBefore !== undefined || changes.powerOffAfter !== undefined;
  if (switchesPower) await followEnvironment(tx, organizationId, ref.id, environment.lastAt);
  if (changes.name !== undefined) await followRenamedEnvironment(tx, organizationId, ref.id, environment.lastAt);
  return environment;
}

/** Takes an environment out of service: nobody books it any more. Bookings stay, offers are taken back, and their holders are told. */
export async function deactivateEnvironment(tx: Transaction, ref: EntityRef, decision: EnvironmentDecision): Promise<Environment> {
  const { environment, changed } = await decideOnEnvironment(tx, ref, decision, deactivate);
  if (changed) await tellOfEnvironment(tx, environment, 'deactivated', decision.by);
  if (changed) await takeOffersBack(tx, ref.organizationId, ref.id, { at: environment.lastAt, by: decision.by });
  return environment;
}

/** Puts an environment back into service. */
export async function reactivateEnvironment(tx: Transaction, ref: EntityRef, decision: EnvironmentDecision): Promise<Environment> {
  const { environment, changed } = await decideOnEnvironment(tx, ref, decision, reactivate);
  if (changed) await tellOfEnvironment(tx, environment, 'reactivated', decision.by);
  // Who waits may have it now.
  if (changed) await followEnvironment(tx, ref.organizationId, ref.id, environment.lastAt);
  return environment;
}

/** Deletes an environment: its bookings, current and future, end now and their holders are told. */
export async function deleteEnvironment(tx: Transaction, ref: EntityRef, decision: EnvironmentDecision): Promise<Environment> {
  const { environment } = await decideOnEnvironment(tx, ref, decision, remove, null);
  // After the row says so: what gets free is then offered to nobody.
  await endBookingsOf(tx, ref.organizationId, ref.id, { at: environment.lastAt, by: decision.by });
  await tellOfEnvironment(tx, environment, 'deleted', decision.by);
  return environment;
}

const BY_HAND: CannotSwitch = 'no instance stands behind an environment made by hand; mark an instance as shared instead';

const CLUSTER: CannotSwitch = 'a cluster is not started or stopped; only instances are';

/** Why power cannot be switched for it now, or null. */
async function cannotSwitch(tx: Transaction, { organizationId, resourceId }: Environment): Promise<CannotSwitch> {
  if (resourceId === null) return BY_HAND;
  const target = (await instanceTargets(tx, organizationId, [resourceId])).get(resourceId);
  // An instance that leaves leaves its environment before: what is no instance was marked as a cluster.
  if (target === undefined) return CLUSTER;
  if (target.isGone) return 'its instance no longer exists with its cloud';
  return refusalOf(target)?.message ?? null;
}

async function poolFor(tx: Transaction, organizationId: string, wished: string | null, at: string): Promise<string> {
  const poolId = wished ?? (await rootPool(tx, { id: organizationId }, at)).id;
  if (await holdPool(tx, organizationId, poolId)) return poolId;
  throw invalidField('environments.no-such-pool', 'pool_id', 'is no pool of the organization; list its pools');
}
