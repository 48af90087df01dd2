import { bookEnvironment } from '../../commands/bookings/book-environment.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booking } from '../../domain/bookings/booking.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { insertEnvironment } from './bookings.ts';

const HOUR = 3_600_000;

/**
 * So many bookings of one environment for a project, by somebody in it who manages the organization: an hour each, hour after hour,
 * from `since` on. The first is under way when that is `at`.
 */
export async function bookForProject(db: Database, project: { organizationId: string; id: string }, holderUserId: string, wish: { count: number; since: Instant; at: Instant }): Promise<Booking[]> {
  const { organizationId } = project;
  const environmentId = await insertEnvironment(db, organizationId, {}, wish.at);
  const periods = Array.from({ length: wish.count }, (_, hour) => ({ since: plusMilliseconds(wish.since, hour * HOUR), until: plusMilliseconds(wish.since, (hour + 1) * HOUR) }));
  const request = { organizationId, environmentId, holderUserId, periods, note: '', sshKeyId: null, projectId: project.id };
  return await inTransaction(db, (tx) => bookEnvironment(tx, request, { at: wish.at, by: system('test'), booker: { userId: holderUserId, role: 'manager' } }));
}
