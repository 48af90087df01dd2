import { saveCapacity } from '../../db/quotas/capacity-store.ts';
import { unreleasedGrants } from '../../db/quotas/quota-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { editCapacity as edit, type Capacity, type CapacityEdit } from '../../domain/quotas/capacity.ts';
import { laterOf } from '../../domain/shared/time.ts';
import { wakeWaiting } from '../projects/port.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { lockCapacity } from './grants.ts';
import { recordCapacity } from './record.ts';

/**
 * States anew what an organization has to share out. Refuses less than what is granted at any instant from now on
 * (`quotas.capacity-below-granted`, details name projects and instants). The same again changes nothing; else projects
 * that wait for capacity look again. `check` sees the locked row's version.
 */
export async function editCapacity(tx: Transaction, request: { organizationId: string } & CapacityEdit, decision: Decision): Promise<Capacity> {
  const { organizationId, ...changes } = request;
  const before = await lockCapacity(tx, organizationId);
  decision.check?.(before.version);
  const at = laterOf(decision.at, before.lastAt);
  const { entity, transitions } = edit(before, changes, await unreleasedGrants(tx, organizationId), at);
  if (transitions.length === 0) return before;
  const after = { ...entity, version: before.version + 1, lastAt: at };
  await saveCapacity(tx, after);
  await recordCapacity(tx, transitions, { at, by: decision.by });
  await wakeWaiting(tx, organizationId, at);
  return after;
}
