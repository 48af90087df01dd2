import type { TestApi } from '../../tests/helpers/api.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { billedMachines, type BilledMachine } from '../../tests/helpers/billed-machines.ts';

const test = apiTest();
const NOW = '2035-06-15T12:00:00.000Z';

async function open(api: TestApi, machines: BilledMachine[] = []) {
  api.clock.forward(Math.max(0, Date.parse(NOW) - Date.parse(api.clock.now())));
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'engineer');
  const ids = machines.length === 0 ? [] : await billedMachines(api.db, organizationId, '2035-05', machines, NOW);
  const under = `/v1/organizations/${organizationId}`;
  return {
    organizationId,
    list: async () => (await api.call(`${under}/instance-prices`, { token })).body,
    put: (items: unknown[], as = token) => api.call(`${under}/instance-prices`, { method: 'PUT', token: as, body: { items } }),
    clear: () => api.call(`${under}/instance-prices`, { method: 'DELETE', token }),
    changes: async () => (await api.db('ledger').where({ organization_id: organizationId, action: 'resources.replace-prices' }).orderBy('id')).map(({ before, after }) => [before, after]),
    async rates() {
      const body = { time_zone: 'UTC', triggers: [{ time: '08:00', action: 'power_on' }], from: '2035-07-01T00:00:00Z', until: '2035-07-02T00:00:00Z', resource_ids: ids };
      const simulated = (await api.call(`${under}/power-schedules:simulate`, { method: 'POST', token, body })).body;
      return { rates: simulated.rates, bases: simulated.rate_bases };
    },
  };
}

const line = (hourlyPrice: string, more: Record<string, unknown> = {}) => ({ cloud: 'aws', region: null, instance_type: 'm7i.large', currency: 'USD', hourly_price: hourlyPrice, ...more });

test('a list of prices is replaced whole, and each change is in the ledger with the lines it changed', async (t) => {
  const { list, put, clear, changes } = await open(t.context.api);
  t.deepEqual(await list(), { items: [], total: 0 });
  const first = await put([line('0.10'), line('0.09', { region: 'us-east-1', cloud: 'gcp' })]);
  t.is(first.status, 200, JSON.stringify(first.body));
  t.deepEqual(first.body, { items: [line('0.1'), line('0.09', { region: 'us-east-1', cloud: 'gcp' })], total: 2 });
  t.deepEqual(await list(), first.body);
  await put([line('0.1'), line('0.09', { region: 'us-east-1', cloud: 'gcp' })]);
  await put([line('0.1')]);
  t.is((await clear()).status, 204);
  await clear();
  const [aws, gcp] = [{ cloud: 'aws', region: null, instanceType: 'm7i.large', currency: 'USD', hourlyPrice: '0.1' }, { cloud: 'gcp', region: 'us-east-1', instanceType: 'm7i.large', currency: 'USD', hourlyPrice: '0.09' }];
  t.deepEqual(await changes(), [[[], [aws, gcp]], [[gcp], []], [[aws], []]], 'the same again is no change');
  t.deepEqual(await list(), { items: [], total: 0 });
});

test('an hour costs what the bill says, else the cloud, else the list’s line for the region, else the one for any', async (t) => {
  const bill = Array.from({ length: 10 }, (_, day) => ({ date: `2035-05-${20 + day}`, billed: '2.4' }));
  const { put, rates } = await open(t.context.api, [
    { nativeId: 'i-billed', costs: bill },
    { nativeId: 'i-told', costs: [], price: { amount: '0.2', currency: 'USD' } },
    { nativeId: 'i-listed', costs: [] },
  ]);
  t.deepEqual(await rates(), { rates: [{ currency: 'USD', amount: '0.3' }], bases: { bill: 1, 'list-price': 1 } });
  await put([line('7', { cloud: 'azure' }), line('0.05', { instance_type: 'M7i.Large', currency: 'EUR' })]);
  t.deepEqual(await rates(), { rates: [{ currency: 'EUR', amount: '0.05' }, { currency: 'USD', amount: '0.3' }], bases: { bill: 1, 'list-price': 1, 'organization-price': 1 } });
  await put([line('0.05', { currency: 'EUR' }), line('0.04', { region: 'us-east-1', currency: 'EUR' }), line('0.03', { region: 'eu-west-1', currency: 'EUR' })]);
  t.deepEqual((await rates()).rates, [{ currency: 'EUR', amount: '0.04' }, { currency: 'USD', amount: '0.3' }], 'in its region');
});

test('lines that are no price, or say twice the same, are refused by name, and another organization’s list is its own', async (t) => {
  const { put, list } = await open(t.context.api);
  const { status, body } = await put([line('0.1'), line('cheap', { region: 'eu-west-1' }), line('-1', { cloud: 'gcp' }), line('1', { instance_type: 'M7I.LARGE' }), line('1', { cloud: 'azure', currency: 'euro' })]);
  t.deepEqual([status, body.code], [400, 'resources.invalid-prices']);
  t.deepEqual(body.fields.map(({ field }: { field: string }) => field), ['items.1.hourly_price', 'items.2.hourly_price', 'items.3', 'items.4.currency']);
  await put([line('0.1')]);
  t.deepEqual(await (await open(t.context.api)).list(), { items: [], total: 0 });
  t.is((await list()).total, 1);
});
