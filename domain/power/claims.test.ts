import test from 'ava';
import fc from 'fast-check';
import { verdictAt, type PowerClaim } from './claims.ts';

const AT = '2026-11-21T08:00:00.000Z';

function claim(given: Partial<PowerClaim>): PowerClaim {
  return {
    id: 'pcl_a',
    organizationId: 'org_a',
    resourceId: 'res_a',
    source: 'schedule',
    sourceId: 'psc_a',
    wanted: 'on',
    from: '2026-11-21T07:00:00.000Z',
    until: null,
    untilNextTrigger: false,
    reason: '',
    origin: { kind: 'trigger', name: 'office hours' },
    createdAt: '2026-11-21T07:00:00.000Z',
    ...given,
  };
}

const schedule = claim({ id: 'pcl_schedule', wanted: 'off' });
const booking = claim({ id: 'pcl_booking', source: 'booking', wanted: 'on', until: '2026-11-21T09:00:00.000Z' });
const hold = claim({ id: 'pcl_hold', source: 'hold', wanted: 'off', until: '2026-11-21T08:30:00.000Z' });

const cases: [string, PowerClaim[], string, { wanted: string | null; claim: string | null; nextDueAt: string | null }][] = [
  ['nobody wants anything', [], AT, { wanted: null, claim: null, nextDueAt: null }],
  ['a schedule alone decides', [schedule], AT, { wanted: 'off', claim: 'pcl_schedule', nextDueAt: null }],
  ['a booking is stronger than a schedule', [schedule, booking], AT, { wanted: 'on', claim: 'pcl_booking', nextDueAt: '2026-11-21T09:00:00.000Z' }],
  ['a hold is stronger than a booking', [booking, hold, schedule], AT, { wanted: 'off', claim: 'pcl_hold', nextDueAt: '2026-11-21T08:30:00.000Z' }],
  ['at its end a claim counts no more', [booking, hold, schedule], '2026-11-21T08:30:00.000Z', { wanted: 'on', claim: 'pcl_booking', nextDueAt: '2026-11-21T09:00:00.000Z' }],
  ['after all others the schedule applies again', [booking, hold, schedule], '2026-11-21T09:00:00.000Z', { wanted: 'off', claim: 'pcl_schedule', nextDueAt: null }],
  [
    'a claim that begins later is waited for',
    [claim({ ...booking, from: '2026-11-21T08:52:00.000Z' })],
    AT,
    { wanted: null, claim: null, nextDueAt: '2026-11-21T08:52:00.000Z' },
  ],
  [
    'of two bookings the one that wants on keeps the machine on',
    [claim({ ...booking, id: 'pcl_after', wanted: 'off', until: null }), booking],
    AT,
    { wanted: 'on', claim: 'pcl_booking', nextDueAt: '2026-11-21T09:00:00.000Z' },
  ],
  [
    'that a booking wants it off afterwards is weaker than a schedule that wants it on',
    [claim({ ...booking, wanted: 'off', until: null }), claim({ id: 'pcl_on', wanted: 'on' })],
    AT,
    { wanted: 'on', claim: 'pcl_on', nextDueAt: null },
  ],
];

for (const [title, claims, at, expected] of cases) {
  test(title, (t) => {
    const { wanted, claim: decided, nextDueAt } = verdictAt(claims, at);
    t.deepEqual({ wanted, claim: decided?.id ?? null, nextDueAt }, expected);
  });
}

test('the verdict does not depend on the order of the claims, and holds until its next look', (t) => {
  const instant = fc.integer({ min: 0, max: 48 }).map((half) => new Date(Date.parse('2026-11-21T00:00:00Z') + half * 1_800_000).toISOString());
  const anyClaim = fc
    .record({
      id: fc.uuid(),
      source: fc.constantFrom('hold' as const, 'booking' as const, 'schedule' as const),
      wanted: fc.constantFrom('on' as const, 'off' as const),
      from: instant,
      length: fc.option(fc.integer({ min: 1, max: 20 })),
    })
    .map(({ length, from, ...given }) => claim({ ...given, from, until: length === null ? null : new Date(Date.parse(from) + length * 1_800_000).toISOString() }));
  fc.assert(
    fc.property(fc.uniqueArray(anyClaim, { maxLength: 6, selector: (one) => one.id }), instant, fc.context(), (claims, at, context) => {
      const verdict = verdictAt(claims, at);
      context.log(JSON.stringify(verdict));
      t.deepEqual(verdictAt(claims.toReversed(), at), verdict);
      // Between two looks nothing changes: half an hour at a time, up to the next one.
      for (let now = Date.parse(at); now < Date.parse(verdict.nextDueAt ?? '2026-11-24T00:00:00Z'); now += 1_800_000) {
        if (verdictAt(claims, new Date(now).toISOString()).claim?.id !== verdict.claim?.id) return false;
      }
      return true;
    }),
    { seed: 4, numRuns: 300 },
  );
});
