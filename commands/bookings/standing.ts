import { getUser } from '../../db/identity/user-store.ts';
import { holdMembershipRole } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';

/**
 * The role of whoever is to hold a booking, who stays a member until it is written; null for no member, and for somebody who is
 * leaving. Platform administrators act as managers for themselves, and belong to no organization.
 */
export async function standingOf(tx: Transaction, organizationId: string, holderUserId: string, booker: Booker): Promise<OrganizationRole | null> {
  const role = await holdMembershipRole(tx, organizationId, holderUserId);
  if (role !== null || holderUserId !== booker.userId || booker.role !== 'manager') return role;
  return (await getUser(tx, holderUserId))?.platformAdministrator === true ? 'manager' : null;
}
