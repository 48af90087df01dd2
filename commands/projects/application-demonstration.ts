import { findMembershipRole } from '../../db/organizations/membership-store.ts';
import { findUserByEmail } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { localDateOf } from '../../domain/projects/local-days.ts';
import { plusDays } from '../../domain/shared/time.ts';
import { createUser } from '../identity/create-user.ts';
import { addMember } from '../organizations/add-member.ts';
import { editCapacity } from '../quotas/edit-capacity.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { applyForProject } from './application-requests.ts';
import { createPurpose } from './purposes.ts';

/** Nobody logs in as this colleague, and no mail reaches them: RFC 2606 keeps the domain free. */
const COLLEAGUE = { email: 'ada@example.org', displayName: 'Ada Example' };
const TIME_ZONE = 'Europe/Berlin';
const DAYS = 60;

/**
 * Fills an organization for looking around: a capacity, a purpose, and a colleague whose application for a project waits
 * for a decision. All in the caller's transaction; it is for an organization that has had none of it.
 */
export async function demonstrateApplications(tx: Transaction, organizationId: string, decision: Decision): Promise<void> {
  const { at } = decision;
  await editCapacity(tx, { organizationId, amounts: { gpu: '8', cpu: '256', ram_gib: '2048' }, prices: null }, decision);
  const limits = { maxGpu: '4', maxCpu: '64', maxRamGib: '512', maxDays: 180 };
  const purpose = await createPurpose(tx, organizationId, { name: 'Model training', description: 'Models that learn for weeks.', active: true, ...limits }, decision);
  const known = await findUserByEmail(tx, COLLEAGUE.email);
  const { id: userId } = known ?? (await createUser(tx, { ...COLLEAGUE, passwordHash: null, platformAdministrator: false, emailVerified: false }, decision));
  if ((await findMembershipRole(tx, organizationId, userId)) === null) await addMember(tx, { organizationId, email: COLLEAGUE.email, role: 'engineer' }, decision);
  const startDate = plusDays(localDateOf(at, TIME_ZONE), 1);
  const wish = {
    organizationId, name: 'Iris classification', description: 'Tells irises apart by their leaves.', purposeId: purpose.id, timeZone: TIME_ZONE,
    startDate, endDate: plusDays(startDate, DAYS - 1), managers: [userId], members: [], quota: { gpu: '0.625', cpu: '8', ram_gib: '32' }, reason: 'A first model, until the paper is due.',
  };
  const by = { kind: 'person' as const, id: userId, name: COLLEAGUE.displayName };
  await applyForProject(tx, wish, { at, by, applicant: { userId, role: 'engineer', as: 'manager' } });
}
