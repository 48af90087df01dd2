import { countManagers } from '../../db/organizations/membership-store.ts';
import { lockOrganization } from '../../db/organizations/organization-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';

/** Locks the organization: changes of its members come one after the other. */
export async function lockMembers(tx: Transaction, organizationId: string): Promise<void> {
  if ((await lockOrganization(tx, organizationId)) === null) throw notFound('organization', organizationId);
}

/** Refuses what left the organization without a manager. Ask after the change, under the lock. */
export async function requireManager(tx: Transaction, organizationId: string): Promise<void> {
  if ((await countManagers(tx, organizationId)) > 0) return;
  throw new DomainError({
    kind: 'conflict',
    code: 'organizations.last-manager',
    message: 'This would leave the organization without a manager: make someone else a manager first.',
  });
}
