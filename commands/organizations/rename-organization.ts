import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { lockOrganization, saveOrganization } from '../../db/organizations/organization-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Organization } from '../../domain/organizations/organization.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** Gives an organization another name; the same name changes nothing. `check` sees the locked row's version. */
export async function renameOrganization(
  tx: Transaction,
  request: { organizationId: string; name: string },
  decision: { at: Instant; by: Actor; check(version: number): void },
): Promise<Organization> {
  const before = await lockOrganization(tx, request.organizationId);
  if (before === null) throw notFound('organization', request.organizationId);
  decision.check(before.version);
  if (before.name === request.name) return before;
  const at = laterOf(decision.at, before.lastAt);
  const after: Organization = { ...before, name: request.name, version: before.version + 1, lastAt: at };
  await saveOrganization(tx, after);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: after.id,
    at,
    subject: after.id,
    action: 'organizations.rename',
    by: decision.by,
    before: { name: before.name },
    after: { name: after.name },
  });
  return after;
}
