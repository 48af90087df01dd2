import { plusDays } from '../../domain/shared/time.ts';
import type { TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { billedMachines, type BilledMachine } from '../../tests/helpers/billed-machines.ts';

const test = apiTest();
const NOW = '2035-06-15T12:00:00.000Z';
const DAYS = (first: string, count: number) => Array.from({ length: count }, (_, day) => plusDays(first, day));
const on = (time: string, days?: string[]) => ({ time, action: 'power_on', ...(days !== undefined && { days }) });
const off = (time: string, days?: string[]) => ({ time, action: 'power_off', ...(days !== undefined && { days }) });
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];

/** An organization whose machines are on a bill and, where asked, in a schedule of 12 hours a day, UTC. */
async function open(api: TestApi, machines: BilledMachine[] = []) {
  // The clock is everybody's: whoever comes first sets it.
  api.clock.forward(Math.max(0, Date.parse(NOW) - Date.parse(api.clock.now())));
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const ids = machines.length === 0 ? [] : await billedMachines(api.db, organizationId, '2035-05', machines, NOW);
  const under = `/v1/organizations/${organizationId}/power-schedules`;
  const post = (path: string, body: unknown) => api.call(path, { method: 'POST', token, body });
  return {
    ids,
    organizationId,
    simulateRule: (body: Record<string, unknown>) => post(`${under}:simulate`, { time_zone: 'UTC', triggers: [on('08:00'), off('20:00')], ...body }),
    async schedule(resourceIds: string[]) {
      const body = { name: 'Twelve hours', time_zone: 'UTC', triggers: [on('08:00'), off('20:00')], resource_ids: resourceIds };
      const { id } = (await post(under, body)).body.power_schedule;
      return (body: Record<string, unknown>) => post(`/v1/power-schedules/${id}:simulate`, body);
    },
  };
}

const machine = (nativeId: string, days: string[], more: Partial<BilledMachine['costs'][number]> = {}): BilledMachine => ({
  nativeId,
  costs: days.map((date) => ({ date, billed: '2.4', ...more })),
});

test('rates come from bills where there are hours on them, else from list prices; currencies stay apart', async (t) => {
  const days = DAYS('2035-05-20', 10);
  const priced = machine('i-usd', days);
  // Software on the machine is charged for the same hours; its disks, and what it sends, are not charged by the hour.
  priced.costs.push(...days.map((date) => ({ date, service: 'Database software', billed: '1.2' })));
  priced.costs.push({ date: '2035-05-20', unit: 'GB-Mo', quantity: '100', billed: '1000' }, { date: '2035-05-20', unit: 'GB', billed: '500' });
  const world = await open(t.context.api, [
    priced,
    machine('i-eur', days, { currency: 'EUR', billed: '24' }),
    { nativeId: 'i-list', costs: [], price: { amount: '0.2', currency: 'USD' } },
    { nativeId: 'i-unknown', costs: [] },
  ]);
  const simulate = await world.schedule(world.ids);
  const { status, body } = await simulate({ from: '2035-07-01T00:00:00Z', until: '2035-07-11T00:00:00Z', initial_state: 'off' });
  t.is(status, 200);
  t.deepEqual(body.rates, [{ currency: 'EUR', amount: '1' }, { currency: 'USD', amount: '0.35' }], '2.4 and 1.2 for 24 hours, and 0.2');
  t.deepEqual([body.instances, body.instances_with_rate, body.rate_bases], [4, 3, { bill: 2, 'list-price': 1 }]);
  // Ten days of 12 hours, four machines.
  t.like(body.proposed, { fires: 20, power_ons: 10, power_offs: 10, hours_on: '480', hours_off: '480' });
  t.deepEqual(body.proposed.costs, [{ currency: 'EUR', amount: '120' }, { currency: 'USD', amount: '42' }]);
  t.deepEqual(body.today.costs, [{ currency: 'EUR', amount: '240' }, { currency: 'USD', amount: '84' }]);
  t.deepEqual(body.savings, [{ currency: 'EUR', amount: '120' }, { currency: 'USD', amount: '42' }]);
  t.deepEqual([body.actual, body.actions.length, body.actions[0].local_time], [[], 20, '2035-07-01T08:00']);
});

test('a machine that is charged in two currencies costs both in every hour, also when the currency changed', async (t) => {
  const both = machine('i-both', DAYS('2035-05-20', 10));
  both.costs.push(...DAYS('2035-05-20', 10).map((date) => ({ date, service: 'Software', currency: 'EUR', billed: '1.2' })));
  const changed = machine('i-changed', DAYS('2035-05-01', 5), { currency: 'EUR' });
  changed.costs.push(...DAYS('2035-05-06', 15).map((date) => ({ date, billed: '2.4' })));
  const { simulateRule, ids } = await open(t.context.api, [both, changed]);
  const rates = async (id: string | undefined) => (await simulateRule({ from: '2035-07-01T00:00:00Z', until: '2035-07-02T00:00:00Z', resource_ids: [id] })).body.rates;
  t.deepEqual(await rates(ids[0]), [{ currency: 'EUR', amount: '0.05' }, { currency: 'USD', amount: '0.1' }]);
  // 12 EUR and 36 USD over 480 hours in all.
  t.deepEqual(await rates(ids[1]), [{ currency: 'EUR', amount: '0.025' }, { currency: 'USD', amount: '0.075' }]);
});

test('the metric chooses which price of the bill counts, and days before the last sixty do not', async (t) => {
  const { simulateRule, ids } = await open(t.context.api, [machine('i-1', ['2035-04-15'], { billed: '2400' }), machine('i-2', ['2035-04-16'], { billed: '0', effective: '1.8', list: '4.8' })]);
  const period = { from: '2035-07-01T00:00:00Z', until: '2035-07-02T00:00:00Z' };
  t.deepEqual((await simulateRule({ ...period, resource_ids: [ids[0]] })).body.rates, []);
  const rate = async (metric?: string) => (await simulateRule({ ...period, resource_ids: [ids[1]], ...(metric !== undefined && { metric }) })).body.rates[0].amount;
  t.deepEqual([await rate(), await rate('list'), await rate('billed')], ['0.075', '0.2', '0']);
});

test('a past month in its own zone stands beside what its bill charged', async (t) => {
  // June 1 is there to be left out, and April 30 to be missed.
  const { simulateRule, ids } = await open(t.context.api, [machine('i-1', DAYS('2035-05-01', 32)), machine('i-2', DAYS('2035-05-10', 2), { quantity: '10', billed: '1' })]);
  const { body } = await simulateRule({
    time_zone: 'Europe/Berlin',
    triggers: [on('08:00', WEEKDAYS), off('19:00', WEEKDAYS)],
    from: '2035-04-30T22:00:00Z',
    until: '2035-05-31T22:00:00Z',
    initial_state: 'off',
    resource_ids: ids,
  });
  // 31 days of 24 hours and two of ten; 74.4 and 2.
  t.deepEqual(body.actual, [{ currency: 'USD', hours: '764', amount: '76.4' }]);
  // 23 working days of 11 hours, two machines at 0.1 each.
  t.like(body.proposed, { hours_on: '506', power_ons: 23, power_offs: 23 });
  t.deepEqual([body.proposed.costs, body.today.costs], [[{ currency: 'USD', amount: '50.6' }], [{ currency: 'USD', amount: '148.8' }]]);
});

test('a period that has begun shows the bill of its past part', async (t) => {
  const { simulateRule, ids } = await open(t.context.api, [machine('i-1', DAYS('2035-06-10', 4))]);
  const { body } = await simulateRule({ from: '2035-06-12T00:00:00Z', until: '2035-07-12T00:00:00Z', resource_ids: ids });
  t.deepEqual(body.actual, [{ currency: 'USD', hours: '48', amount: '4.8' }]);
});

test('a change is set beside the schedule as it is, and without one the schedule beside machines that are always on', async (t) => {
  const { schedule, ids } = await open(t.context.api, [machine('i-1', DAYS('2035-05-20', 10))]);
  const simulate = await schedule(ids);
  const period = { from: '2035-07-01T00:00:00Z', until: '2035-07-11T00:00:00Z', initial_state: 'off' };
  const { body } = await simulate({ ...period, changes: { triggers: [on('08:00'), off('18:00')] } });
  t.like(body.today, { fires: 20, hours_on: '120', costs: [{ currency: 'USD', amount: '12' }] } as never);
  t.like(body.proposed, { hours_on: '100', costs: [{ currency: 'USD', amount: '10' }] } as never);
  t.deepEqual(body.savings, [{ currency: 'USD', amount: '2' }]);
  t.deepEqual([body.actions_total, body.action_changes_total], [20, 20], 'on at eight as before; off at another hour on ten days');
  t.deepEqual(body.action_changes.slice(0, 3), [
    { at: '2035-07-01T18:00:00.000Z', local_time: '2035-07-01T18:00', action: 'power_off', only_in: 'proposed' },
    { at: '2035-07-01T20:00:00.000Z', local_time: '2035-07-01T20:00', action: 'power_off', only_in: 'today' },
    { at: '2035-07-02T18:00:00.000Z', local_time: '2035-07-02T18:00', action: 'power_off', only_in: 'proposed' },
  ]);
  const same = (await simulate({ ...period, changes: { triggers: [off('20:00'), on('08:00')] } })).body;
  t.deepEqual([same.action_changes, same.action_changes_total], [[], 0], 'another way to write the same');
  const moved = (await simulate({ ...period, changes: { skip_dates: ['2035-07-02'], time_zone: 'Asia/Tokyo' } })).body;
  // In Tokyo it is 09:00 of July 1 then, off, and July 2 is left out: eight days of 12 hours, and one hour of July 11.
  t.like(moved.actions[0], { at: '2035-07-02T23:00:00.000Z', local_time: '2035-07-03T08:00', action: 'power_on' });
  t.is(moved.proposed.hours_on, '97');
  const alone = (await simulate(period)).body;
  t.like(alone.today, { fires: 0, hours_on: '240', costs: [{ currency: 'USD', amount: '24' }] } as never);
  t.deepEqual([alone.action_changes_total, new Set(alone.action_changes.map((change: { only_in: string }) => change.only_in))], [20, new Set(['proposed'])]);
});

test('a year is a year, with its clock changes and its leap day', async (t) => {
  const { simulateRule, ids } = await open(t.context.api, [machine('i-1', DAYS('2035-05-20', 10))]);
  const { body } = await simulateRule({
    time_zone: 'Europe/Berlin',
    triggers: [on('22:00'), off('06:00')],
    from: '2035-12-31T23:00:00Z',
    until: '2036-12-31T23:00:00Z',
    initial_state: 'on',
    resource_ids: ids,
  });
  // 366 nights of 8 hours, the first and the last of them in parts; one is an hour shorter, one an hour longer.
  t.like(body.proposed, { fires: 732, hours_on: '2928', costs: [{ currency: 'USD', amount: '292.8' }] } as never);
  t.like(body.today, { hours_on: '8784', costs: [{ currency: 'USD', amount: '878.4' }] } as never);
  t.is(body.actions.length, 732);
  const busy = Array.from({ length: 6 }, (_, hour) => [on(`0${hour}:00`), off(`0${hour}:30`)]).flat();
  const full = (await simulateRule({ triggers: busy, from: '2035-12-31T23:00:00Z', until: '2036-12-31T23:00:00Z', initial_state: 'off' })).body;
  t.deepEqual([full.actions.length, full.actions_total, full.action_changes.length, full.action_changes_total], [1000, 366 * 12, 1000, 366 * 12], 'cut, and it says so');
});

test('a resource counts once, and one of another organization is refused by its place', async (t) => {
  const { simulateRule, ids } = await open(t.context.api, [machine('i-1', DAYS('2035-05-20', 10))]);
  const foreign = await open(t.context.api, [machine('i-9', DAYS('2035-05-20', 1))]);
  const period = { from: '2035-07-01T00:00:00Z', until: '2035-07-02T00:00:00Z' };
  t.like((await simulateRule({ ...period, resource_ids: [ids[0], ids[0]] })).body, { instances: 1, instances_with_rate: 1 });
  const { status, body } = await simulateRule({ ...period, resource_ids: [ids[0], foreign.ids[0]] });
  t.deepEqual([status, body.code, body.fields[0].field], [400, 'power-schedules.unknown-resource', 'resource_ids.1']);
});
