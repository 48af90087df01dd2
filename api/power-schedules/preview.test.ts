import type { TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';

const test = apiTest();
const NOW = '2035-06-15T12:00:00.000Z';
const NIGHTS = { time_zone: 'Europe/Berlin', triggers: [{ time: '02:30', action: 'power_off' }, { time: '02:45', action: 'power_on' }, { time: '22:00', action: 'power_off' }] };

async function open(api: TestApi) {
  api.clock.forward(Math.max(0, Date.parse(NOW) - Date.parse(api.clock.now())));
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const under = `/v1/organizations/${organizationId}/power-schedules`;
  const post = (path: string, body: unknown) => api.call(path, { method: 'POST', token, body });
  return {
    previewRule: async (body: Record<string, unknown>) => (await post(`${under}:preview`, { ...NIGHTS, ...body })).body,
    async preview(rule: Record<string, unknown>, body: Record<string, unknown>) {
      const made = (await post(under, { name: 'Nights', ...NIGHTS, ...rule })).body.power_schedule;
      return (await post(`/v1/power-schedules/${made.id}:preview`, body)).body;
    },
  };
}

test('the next fires come from now on, and the day shown is today where the schedule lives', async (t) => {
  const { preview } = await open(t.context.api);
  // In Kiritimati it is 02:00 of the 16th.
  const rule = { time_zone: 'Pacific/Kiritimati', triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }] };
  const { time_zone, fires, timeline } = await preview(rule, { count: 3 });
  t.is(time_zone, 'Pacific/Kiritimati');
  t.deepEqual(
    fires.map(({ at, local_time, action }: Record<string, string>) => [at, local_time, action]),
    [
      ['2035-06-15T18:00:00.000Z', '2035-06-16T08:00', 'power_on'],
      ['2035-06-16T06:00:00.000Z', '2035-06-16T20:00', 'power_off'],
      ['2035-06-16T18:00:00.000Z', '2035-06-17T08:00', 'power_on'],
    ],
  );
  t.like(timeline, { date: '2035-06-16', from: '2035-06-15T10:00:00.000Z', until: '2035-06-16T10:00:00.000Z', seconds: 86_400, clock_changes: [] });
  t.deepEqual(
    timeline.intervals.map(({ state, local_from, local_until }: Record<string, string>) => [state, local_from, local_until]),
    [
      ['off', '2035-06-16T00:00', '2035-06-16T08:00'],
      ['on', '2035-06-16T08:00', '2035-06-16T20:00'],
      ['off', '2035-06-16T20:00', '2035-06-17T00:00'],
    ],
  );
});

test('a clock change shows what moved, what gave way, and a day of 23 hours', async (t) => {
  const { previewRule } = await open(t.context.api);
  // On March 30, 2036, 02:00 to 03:00 are left out.
  const { fires, timeline } = await previewRule({ after: '2036-03-29T23:00:00Z', count: 2, date: '2036-03-30' });
  t.deepEqual(fires, [
    { at: '2036-03-30T01:00:00.000Z', local_time: '2036-03-30T02:30', action: 'power_off', moved: 'gap', superseded_by: '2036-03-30T02:45' },
    { at: '2036-03-30T01:00:00.000Z', local_time: '2036-03-30T02:45', action: 'power_on', moved: 'gap', superseded_by: null },
    { at: '2036-03-30T20:00:00.000Z', local_time: '2036-03-30T22:00', action: 'power_off', moved: null, superseded_by: null },
  ]);
  t.is(timeline.seconds, 82_800);
  t.deepEqual(timeline.clock_changes, [{ at: '2036-03-30T01:00:00.000Z', local_before: '2036-03-30T02:00', local_after: '2036-03-30T03:00' }]);
  const skipping = await previewRule({ after: '2036-03-29T23:00:00Z', count: 1, gap_policy: 'skip' });
  t.is(skipping.fires[0].local_time, '2036-03-30T22:00');
});

test('a repeated hour acts at its first pass, or at its second where the schedule says so', async (t) => {
  const { previewRule } = await open(t.context.api);
  // On October 26, 2036, 02:00 to 03:00 are read twice.
  const at = async (overlap_policy: string) => (await previewRule({ after: '2036-10-25T22:30:00Z', count: 1, overlap_policy })).fires[0].at;
  t.deepEqual([await at('first'), await at('second')], ['2036-10-26T00:30:00.000Z', '2036-10-26T01:30:00.000Z']);
});

test('outside of its validity nothing is known of a day, and fires end with it', async (t) => {
  const { preview } = await open(t.context.api);
  const rule = { triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }], start_date: '2035-07-02', valid_until: '2035-07-03T10:00:00Z' };
  const { fires, timeline } = await preview(rule, { count: 1000, date: '2035-07-03' });
  t.deepEqual(fires.map(({ local_time }: { local_time: string }) => local_time), ['2035-07-02T08:00', '2035-07-02T20:00', '2035-07-03T08:00']);
  t.deepEqual(
    timeline.intervals.map(({ state, local_until }: Record<string, string>) => [state, local_until]),
    [['off', '2035-07-03T08:00'], ['on', '2035-07-03T12:00'], ['unknown', '2035-07-04T00:00']],
  );
});

test('a thousand fires are answered at once, and a page goes on after the last one', async (t) => {
  const { previewRule } = await open(t.context.api);
  const all = (await previewRule({ count: 1000 })).fires;
  // One of March 30 is superseded, which does not count.
  t.is(all.filter((fire: { superseded_by: string | null }) => fire.superseded_by === null).length, 1000);
  t.is(all.length, 1001);
  const first = (await previewRule({ count: 600 })).fires;
  const rest = (await previewRule({ count: 400, after: first.at(-1).at })).fires;
  t.deepEqual([...first, ...rest].map(({ at }) => at), all.map(({ at }: { at: string }) => at));
});
