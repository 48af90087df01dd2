import test from 'ava';
import fc from 'fast-check';
import { newId } from '../../commands/shared/new-id.ts';
import { insertEnvironment, insertPerson } from '../../tests/helpers/bookings.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { freePeriods } from './calendar.ts';

const hour = (value: number): string => new Date(Date.UTC(2026, 10, 21) + value * 3_600_000).toISOString();
const window = { from: hour(0), to: hour(24) };

interface Taken {
  start: number;
  /** Hours; null for an open end. */
  length: number | null;
}

test('an hour is free exactly when no booking takes it, and every free period lies within the window', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: hour(0), last_at: hour(0) });
  const { userId } = await insertPerson(db, organizationId, 'engineer', hour(0));
  // Ended ones may overlap: a manager books the past as it was.
  const booking = fc.record({ start: fc.integer({ min: -5, max: 28 }), length: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }) });
  const worlds = fc.sample(fc.array(booking, { maxLength: 8 }), { seed: 7, numRuns: 150 });
  const expected = new Map<string, { hours: boolean[]; any: boolean }>();
  for (const taken of [[{ start: 0, length: 24 }], [{ start: -3, length: null }], [{ start: 2, length: 3 }, { start: 5, length: 1 }], ...worlds] as Taken[][]) {
    const id = await insertEnvironment(db, organizationId, {}, hour(0));
    const { key } = await db('environments').where({ id }).first('key');
    for (const { start, length } of taken) {
      const until = length === null ? null : hour(start + length);
      const times = { since: hour(start), until, created_at: hour(0), last_at: hour(0) };
      await db('bookings').insert({ ...times, id: newId('booking'), organization_id: organizationId, environment_id: id, environment_key: key, holder_user_id: userId, booked_by: '{}', state: 'released' });
    }
    const takes = (at: number): boolean => taken.some(({ start, length }) => start <= at && (length === null || start + length > at));
    const isIn = ({ start, length }: Taken): boolean => start < 24 && (length === null || start + length > 0);
    expected.set(id, { hours: Array.from({ length: 24 }, (_, at) => !takes(at)), any: taken.some(isIn) });
  }
  const found = await freePeriods(db, organizationId, null, window);
  for (const [id, { hours, any }] of expected) {
    const availability = found.get(id);
    t.is(availability !== undefined, any, 'named exactly when there is a booking in the window');
    if (availability === undefined) continue;
    const { free, freeSeconds } = availability;
    t.deepEqual(hours.map((_, at) => free.some(({ from, to }) => from <= hour(at) && to >= hour(at + 1))), hours);
    t.is(freeSeconds, hours.filter(Boolean).length * 3600);
    t.true(free.every(({ from, to }, index) => from >= window.from && from < to && to <= window.to && from > (free[index - 1]?.to ?? '')));
  }
});
