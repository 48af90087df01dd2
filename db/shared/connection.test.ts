import test from 'ava';
import { freshDatabase } from '../../tests/helpers/database.ts';

test('instants come back in UTC with milliseconds, whatever their precision and century', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const given = [
    '2026-11-21T07:00:00Z', '2026-11-21T07:00:00.1Z', '2026-11-21T07:00:00.123456Z', '2026-02-28 23:30:00-05:30',
    '0099-01-01 00:00:00+00', '9999-12-31T23:59:59.999Z', '10000-01-01T00:00:00Z',
  ];
  const rows = await db.raw<{ rows: { at: string }[] }>(`select cast(g as timestamptz) as at from unnest(cast(? as text[])) as g`, [given]);
  t.deepEqual(rows.rows.map(({ at }) => at), [
    '2026-11-21T07:00:00.000Z', '2026-11-21T07:00:00.100Z', '2026-11-21T07:00:00.123Z', '2026-03-01T05:00:00.000Z',
    '0099-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00.000Z',
  ]);
});

test('each of many whole minutes comes back as itself, the second time too', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const first = Date.UTC(2026, 0, 1);
  const wanted = Array.from({ length: 12_000 }, (_, minute) => new Date(first + minute * 60_000).toISOString());
  for (let time = 0; time < 2; time += 1) {
    const { rows } = await db.raw<{ rows: { at: string }[] }>(
      `select at from generate_series(cast(? as timestamptz), cast(? as timestamptz), interval '1 minute') as at`,
      [first, first + 11_999 * 60_000].map((at) => new Date(at).toISOString()),
    );
    t.deepEqual(rows.map(({ at }) => at), wanted);
  }
});
