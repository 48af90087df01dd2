import type { Database, Transaction } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';

/** What others decide on, of an environment whose row is locked. */
export interface LockedEnvironment {
  id: string;
  /** Its number, for the exclusion constraint of bookings. */
  key: number;
  name: string;
  resourceType: string;
  /** The instance behind it; null for one made by hand. */
  resourceId: string | null;
  isActive: boolean;
  sshRequired: boolean;
  ownerUserId: string | null;
  powerOnBefore: boolean;
  powerOffAfter: boolean;
}

/** Locks an environment until the transaction ends, before any of its bookings; null when there is none, or it is deleted. */
export async function lockEnvironment(tx: Transaction, organizationId: string, id: string): Promise<LockedEnvironment | null> {
  const query = tx('environments')
    .where({ organization_id: organizationId, id })
    .whereNull('deleted_at')
    .forUpdate()
    .first<Record<string, unknown> | undefined>(
      'id', 'key', 'name', 'resource_type', 'resource_id', 'is_active', 'ssh_required', 'owner_user_id', 'power_on_before', 'power_off_after',
    );
  const row = await prepared(query);
  if (row === undefined) return null;
  return {
    id: row.id as string,
    key: row.key as number,
    name: row.name as string,
    resourceType: row.resource_type as string,
    resourceId: row.resource_id as string | null,
    isActive: row.is_active as boolean,
    sshRequired: row.ssh_required as boolean,
    ownerUserId: row.owner_user_id as string | null,
    powerOnBefore: row.power_on_before as boolean,
    powerOffAfter: row.power_off_after as boolean,
  };
}

/** Locks several, in the order of their ids, for a transaction that is to write bookings of all of them. */
export async function lockEnvironments(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<void> {
  await tx('environments').where('organization_id', organizationId).whereIn('id', [...ids]).orderBy('id').forUpdate().select('id');
}

/** The organization that owns an environment, or null when there is none, or it is deleted. */
export async function organizationOfEnvironment(db: Database, id: string): Promise<string | null> {
  const row = await db('environments').where({ id }).whereNull('deleted_at').first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}
