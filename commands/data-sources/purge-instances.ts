import { lockDataSource } from '../../db/data-sources/data-source-store.ts';
import { deleteScopes } from '../../db/data-sources/discovery-store.ts';
import { deleteInstances, lockMerges, lockSomeInstances } from '../../db/resources/instance-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { system } from '../../domain/shared/entity.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { loseInstancesOf } from '../environments/port.ts';
import { forgetInstances } from '../power/port.ts';

/**
 * One step of deleting the instances of a data source that is being deleted, at most `limit` of them,
 * with everything that refers to them; true when none is left. A resource that a bill names stays.
 */
export async function purgeInstances(tx: Transaction, { organizationId, id }: EntityRef, limit: number): Promise<boolean> {
  const source = await lockDataSource(tx, organizationId, id);
  if (source !== null) await loseInstancesOf(tx, { organizationId, dataSourceId: id }, { at: source.lastAt, by: system('data-source') });
  await lockMerges(tx, organizationId);
  const resourceIds = await lockSomeInstances(tx, organizationId, id, limit);
  if (resourceIds.length > 0) {
    await forgetInstances(tx, organizationId, resourceIds);
    await deleteInstances(tx, organizationId, resourceIds);
  }
  if (resourceIds.length === limit) return false;
  await deleteScopes(tx, organizationId, id);
  return true;
}
