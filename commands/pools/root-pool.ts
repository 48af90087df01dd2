import { ensureRootPool } from '../../db/pools/pool-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { newPool, type Pool } from '../../domain/pools/pool.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** The organization's root pool: made with the organization, and with the same words wherever it is missing. */
export async function rootPool(tx: Transaction, organization: { id: string; name?: string }, at: Instant): Promise<Pool> {
  const { id: organizationId, name = 'Root' } = organization;
  return await ensureRootPool(tx, newPool({ id: newId('pool'), organizationId, parentId: null, name, ownerUserId: null }, at));
}
