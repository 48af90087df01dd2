import { bookingEntity } from '../../commands/bookings/booking-entity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { insertEnvironment, insertPerson, type EnvironmentWish } from './bookings.ts';
import { freshDatabase } from './database.ts';

/** An instant of the day on which tests of bookings play. */
export const at = (hour: number, minute = 0): Instant => `2026-11-21T${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00.000Z`;
const actorOf = ({ userId }: Booker): Actor => ({ kind: 'person', id: userId, name: 'Test' });
export const decisionOf = (booker: Booker, when: Instant) => ({ at: when, by: actorOf(booker), booker });

/** An organization in a database of its own, with people who book; nothing works in it but what a test calls. */
export interface BookingSite {
  db: Database;
  organizationId: string;
  engineer: Booker;
  other: Booker;
  manager: Booker;
  environment(wish?: EnvironmentWish): Promise<string>;
  advance(id: string, when: Instant): Promise<void>;
}

export async function bookingSite(t: { teardown(end: () => Promise<void>): void }): Promise<BookingSite> {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: at(0), last_at: at(0) });
  return {
    db,
    organizationId,
    engineer: await insertPerson(db, organizationId, 'engineer', at(0)),
    other: await insertPerson(db, organizationId, 'engineer', at(0)),
    manager: await insertPerson(db, organizationId, 'manager', at(0)),
    environment: (wish = {}) => insertEnvironment(db, organizationId, wish, at(0)),
    advance: async (id, when) => {
      await inTransaction(db, (tx) => advanceEntity(tx, bookingEntity, { organizationId, id }, when));
    },
  };
}
