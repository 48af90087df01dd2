import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertMembership } from '../../db/organizations/membership-store.ts';
import { insertOrganization } from '../../db/organizations/organization-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Organization } from '../../domain/organizations/organization.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { passActivation } from '../identity/port.ts';
import { rootPool } from '../pools/root-pool.ts';
import { newId } from '../shared/new-id.ts';

/** Creates an organization with its root pool. The person who does becomes its first manager. */
export async function createOrganization(
  tx: Transaction,
  request: { name: string },
  decision: { at: Instant; by: Actor },
): Promise<Organization> {
  const { at, by } = decision;
  const organization: Organization = { id: newId('organization'), name: request.name, version: 1, createdAt: at, lastAt: at };
  await insertOrganization(tx, organization);
  await rootPool(tx, organization, at);
  if (by.id !== null) {
    await insertMembership(tx, { organizationId: organization.id, userId: by.id, role: 'manager', version: 1, createdAt: at });
  }
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: organization.id,
    at,
    subject: organization.id,
    action: 'organizations.create',
    by,
    before: null,
    after: { name: organization.name, manager: by.id },
  });
  if (by.id !== null) await passActivation(tx, by.id, decision);
  return organization;
}
