import { findMembershipRole } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { invalidField } from '../../domain/shared/errors.ts';

/** Refuses an owner who is no member of the organization; null is nobody, and fine. */
export async function requireOwnerIsMember(tx: Transaction, organizationId: string, userId: string | null | undefined): Promise<void> {
  if (userId === null || userId === undefined) return;
  if ((await findMembershipRole(tx, organizationId, userId)) !== null) return;
  throw invalidField('organizations.owner-is-no-member', 'owner_user_id', 'is no member of the organization; add them first, or choose somebody else');
}
