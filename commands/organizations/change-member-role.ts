import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { getMembership, saveMembership } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Membership } from '../../domain/organizations/organization.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { lockMembers, requireManager } from './lock-members.ts';

/** Gives a member another role. The last manager stays one: `organizations.last-manager`. */
export async function changeMemberRole(
  tx: Transaction,
  request: { organizationId: string; userId: string; role: OrganizationRole },
  decision: { at: Instant; by: Actor; check(version: number): void },
): Promise<Membership> {
  await lockMembers(tx, request.organizationId);
  const before = await getMembership(tx, request.organizationId, request.userId);
  if (before === null) throw notFound('member', request.userId);
  decision.check(before.version);
  if (before.role === request.role) return before;
  const after: Membership = { ...before, role: request.role, version: before.version + 1 };
  await saveMembership(tx, after);
  await requireManager(tx, request.organizationId);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: request.organizationId,
    at: decision.at,
    subject: request.userId,
    action: 'organizations.change-role',
    by: decision.by,
    before: { role: before.role },
    after: { role: after.role },
  });
  return after;
}
