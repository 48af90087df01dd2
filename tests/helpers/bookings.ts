import { bookEnvironment, type BookRequest } from '../../commands/bookings/book-environment.ts';
import { createUser } from '../../commands/identity/create-user.ts';
import { rootPool } from '../../commands/pools/root-pool.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { insertMembership } from '../../db/organizations/membership-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booking, BookingPeriod } from '../../domain/bookings/booking.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { activate } from './activate.ts';

const by = system('test');

/** A person with a role in an organization. */
export async function insertPerson(db: Database, organizationId: string, role: OrganizationRole, at: Instant): Promise<Booker> {
  return await inTransaction(db, async (tx) => {
    const email = `${newId('user')}@example.org`;
    const { id: userId } = await createUser(tx, { email, displayName: `A ${role}`, passwordHash: null, platformAdministrator: false, emailVerified: true }, { at, by });
    await activate(tx, userId, at);
    await insertMembership(tx, { organizationId, userId, role, version: 1, createdAt: at });
    return { userId, role };
  });
}

export interface EnvironmentWish {
  name?: string;
  resourceId?: string | null;
  isActive?: boolean;
  sshRequired?: boolean;
  powerOnBefore?: boolean;
  powerOffAfter?: boolean;
}

/** An environment as the database has it, in the organization's root pool. */
export async function insertEnvironment(db: Database, organizationId: string, wish: EnvironmentWish, at: Instant): Promise<string> {
  const id = newId('environment');
  const { id: poolId } = await inTransaction(db, (tx) => rootPool(tx, { id: organizationId }, at));
  await db('environments').insert({
    id,
    organization_id: organizationId,
    name: wish.name ?? id,
    resource_type: 'Test bench',
    resource_id: wish.resourceId ?? null,
    is_active: wish.isActive ?? true,
    ssh_required: wish.sshRequired ?? false,
    properties: '{}',
    pool_id: poolId,
    power_on_before: wish.powerOnBefore ?? false,
    power_off_after: wish.powerOffAfter ?? false,
    created_at: at,
    last_at: at,
  });
  return id;
}

/** Books one period, or fails as the command does. */
export async function book(
  db: Database,
  wish: Pick<BookRequest, 'organizationId' | 'environmentId'> & BookingPeriod & { booker: Booker; at: Instant; holderUserId?: string; sshKeyId?: string },
): Promise<Booking> {
  const { booker, at, since, until, organizationId, environmentId } = wish;
  const request: BookRequest = {
    organizationId,
    environmentId,
    holderUserId: wish.holderUserId ?? booker.userId,
    periods: [{ since, until }],
    note: '',
    sshKeyId: wish.sshKeyId ?? null,
    projectId: null,
  };
  const actor = { kind: 'person' as const, id: booker.userId, name: 'Test' };
  const [booking] = await inTransaction(db, (tx) => bookEnvironment(tx, request, { at, by: actor, booker }));
  if (booking === undefined) throw new Error('nothing was booked');
  return booking;
}
