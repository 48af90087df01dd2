import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { deleteMembership, getMembership } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { endBookingsOfHolder } from '../bookings/port.ts';
import { leaveProjects } from '../projects/port.ts';
import { lockCapacity } from '../quotas/port.ts';
import { newId } from '../shared/new-id.ts';
import { lockMembers, requireManager } from './lock-members.ts';

/**
 * Ends a membership, and with it the person's bookings, offers and waiting, and their part in projects. The last manager cannot be removed: `organizations.last-manager`, nor the last one of a project: `projects.last-manager`.
 */
export async function removeMember(
  tx: Transaction,
  request: { organizationId: string; userId: string },
  decision: { at: Instant; by: Actor },
): Promise<void> {
  await lockMembers(tx, request.organizationId);
  const before = await getMembership(tx, request.organizationId, request.userId);
  if (before === null) throw notFound('member', request.userId);
  // Before any project: one that waits for capacity, or frees some, locks it too, when another is held already.
  await lockCapacity(tx, request.organizationId);
  // Before their projects are looked for: one that is just taking them in holds the membership, and is seen after that.
  await deleteMembership(tx, request.organizationId, request.userId);
  await leaveProjects(tx, request.organizationId, request.userId, decision);
  await endBookingsOfHolder(tx, request.organizationId, request.userId, decision);
  await requireManager(tx, request.organizationId);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: request.organizationId,
    at: decision.at,
    subject: request.userId,
    action: 'organizations.remove-member',
    by: decision.by,
    before: { role: before.role },
    after: null,
  });
}
