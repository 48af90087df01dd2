import test from 'ava';
import { periodOfSegment, periodOfStamp } from './billing-period.ts';

test('folders name their billing period in every form AWS writes', (t) => {
  t.is(periodOfSegment('20260301-20260401'), '2026-03-01');
  t.is(periodOfSegment('20261201-20270101'), '2026-12-01');
  t.is(periodOfSegment('20260301-20260331'), '2026-03-01');
  t.is(periodOfSegment('year=2026/month=3'), '2026-03-01');
  t.is(periodOfSegment('year=2026/month=12'), '2026-12-01');
  t.is(periodOfSegment('BILLING_PERIOD=2026-03'), '2026-03-01');
  t.is(periodOfSegment('billing_period=2026-03'), '2026-03-01');
});

test('other folders name no billing period', (t) => {
  for (const segment of ['20260301-20260501', '20260302-20260401', '20261301-20270101', 'year=2026/month=13', 'date=2026-03-01', '20260304T051500Z']) {
    t.is(periodOfSegment(segment), null, segment);
  }
});

test('stamps of manifests and rows name the same period', (t) => {
  t.is(periodOfStamp('20260301T000000.000Z'), '2026-03-01');
  t.is(periodOfStamp('2026-03-01T00:00:00Z'), '2026-03-01');
  t.is(periodOfStamp('2026-03-02T00:00:00Z'), null);
});
