import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { findUserByEmail } from '../../db/identity/user-store.ts';
import { insertMembership } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Membership } from '../../domain/organizations/organization.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { passActivation } from '../identity/port.ts';
import { newId } from '../shared/new-id.ts';
import { lockMembers } from './lock-members.ts';

/** Makes a person who has an account a member. Fails with `organizations.no-such-person` or `organizations.already-member`. */
export async function addMember(
  tx: Transaction,
  request: { organizationId: string; email: string; role: OrganizationRole },
  decision: { at: Instant; by: Actor },
): Promise<Membership> {
  await lockMembers(tx, request.organizationId);
  const user = await findUserByEmail(tx, request.email);
  if (user === null) {
    throw invalidField('organizations.no-such-person', 'email', 'belongs to nobody who has an account; a platform administrator can make one');
  }
  const membership: Membership = {
    organizationId: request.organizationId,
    userId: user.id,
    role: request.role,
    version: 1,
    createdAt: decision.at,
  };
  if (!(await insertMembership(tx, membership))) {
    throw new DomainError({
      kind: 'conflict',
      code: 'organizations.already-member',
      message: `${user.displayName} is a member already; change the role instead.`,
      details: { user_id: user.id },
    });
  }
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: request.organizationId,
    at: decision.at,
    subject: user.id,
    action: 'organizations.add-member',
    by: decision.by,
    before: null,
    after: { role: request.role },
  });
  await passActivation(tx, user.id, decision);
  return membership;
}
