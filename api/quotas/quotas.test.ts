import { grantQuota, holdQuota } from '../../commands/quotas/port.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, Reply, TestApi } from '../../tests/helpers/api.ts';
import { asActiveMember, by, createTestOwners, gpus, insertReviewing } from '../../tests/helpers/quotas.ts';

const test = apiTest();
const DAY = 86_400_000;
const prices = { currency: 'EUR', gpu_hour: '2.95', cpu_hour: '0.04', ram_gib_hour: '0.005' };

interface Place {
  organizationId: string;
  manager: Person;
  owner: Person;
  member: Person;
  state(body: Record<string, unknown>, etag?: string, who?: Person): Promise<Reply>;
  granted(gpu: string, fromDays: number, toDays: number): Promise<string>;
  day(count: number): string;
}

async function place(api: TestApi): Promise<Place> {
  const organizationId = await api.organization();
  const [manager, owner, member] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'member'), await api.member(organizationId, 'member')];
  const start = api.clock.now();
  const day = (count: number): string => plusMilliseconds(start, count * DAY);
  return {
    organizationId, manager, owner, member, day,
    state: (body, etag = '*', who = manager) =>
      api.call(`/v1/organizations/${organizationId}/quota-capacity`, {
        method: 'PUT', token: who.token, headers: { 'If-Match': etag }, body: { gpu: null, cpu: null, ram_gib: null, prices: null, ...body },
      }),
    granted: async (gpu, fromDays, toDays) => {
      const projectId = await insertReviewing(api.db, organizationId, owner.id, start);
      await inTransaction(api.db, (tx) => grantQuota(tx, { organizationId, projectId, amounts: gpus(gpu), from: day(fromDays), until: day(toDays) }, { at: start, by }));
      return projectId;
    },
  };
}

test('the capacity is unlimited until a manager states it, and is stated under the version that was read', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  const path = `/v1/organizations/${here.organizationId}/quota-capacity`;
  const first = await api.call(path, { token: here.member.token });
  t.deepEqual([first.status, first.body, first.headers.get('etag')], [200, { gpu: null, cpu: null, ram_gib: null, prices: null }, '"1"']);
  const stated = await here.state({ gpu: '3.50', cpu: '64', prices }, '"1"');
  t.deepEqual([stated.status, stated.body, stated.headers.get('etag')], [200, { gpu: '3.5', cpu: '64', ram_gib: null, prices }, '"2"']);
  t.is((await here.state({ gpu: '4' }, '"1"')).body.code, 'quota-capacity.changed-meanwhile');
  t.is((await here.state({ gpu: '3.5', cpu: '64.000', prices }, '"2"')).headers.get('etag'), '"2"');
  t.is((await here.state({}, '*', here.member)).status, 403);
  t.is((await api.call(path, { method: 'PUT', token: here.manager.token, body: { gpu: '1', cpu: null, ram_gib: null, prices: null } })).status, 428);
  const { body } = await api.call(`/v1/organizations/${here.organizationId}/events?action=quotas.`, { token: here.manager.token });
  t.like(body.items?.[0] ?? {}, { action: 'quotas.edit-capacity', before: { gpu: null }, after: { gpu: '3.5', prices } });
});

const malformed: [string, Record<string, unknown>, string, string][] = [
  ['a negative amount', { gpu: '-1' }, 'quotas.negative-amount', 'gpu'],
  ['too many decimals', { cpu: '0.1234567' }, 'quotas.too-many-decimals', 'cpu'],
  ['an absurd size', { ram_gib: '1000000000' }, 'quotas.too-large', 'ram_gib'],
  ['an exponent', { gpu: '1e3' }, 'quotas.not-a-decimal', 'gpu'],
  ['a number that is no text', { gpu: 1.5 }, 'request.invalid', 'gpu'],
  ['a negative price', { prices: { ...prices, gpu_hour: '-2' } }, 'quotas.invalid-price', 'prices.gpu_hour'],
  ['no currency', { prices: { ...prices, currency: 'euro' } }, 'quotas.invalid-price', 'prices.currency'],
  ['an unknown kind', { tpu: '1' }, 'request.invalid', 'tpu'],
];

for (const [what, body, code, field] of malformed) {
  test(`a capacity with ${what} is refused by name`, async (t) => {
    const here = await place(t.context.api);
    const reply = await here.state(body);
    t.deepEqual([reply.status, reply.body.code, reply.body.fields?.[0]?.field], [400, code, field]);
  });
}

test('less than what is granted is refused, with who has it when', async (t) => {
  const here = await place(t.context.api);
  const [now, later] = [await here.granted('1', 0, 20), await here.granted('2', 10, 30)];
  const refused = await here.state({ gpu: '2' });
  t.deepEqual([refused.status, refused.body.code], [409, 'quotas.capacity-below-granted']);
  t.deepEqual(refused.body.details.overcommitted, [{ from: here.day(10), to: here.day(20), kinds: ['gpu'], granted: { gpu: '3' }, project_ids: [now, later] }]);
  t.is((await here.state({ gpu: '3' })).status, 200);
});

test('a project’s quota shows what is used, held and free, and who has it, to its people alone', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  await createTestOwners(api.db);
  const id = await here.granted('3', 0, 20);
  await api.db('test_jobs').insert({ organization_id: here.organizationId, id: 'job-1' });
  const owner = { kind: 'test-job', id: 'job-1' };
  const member = asActiveMember({ organizationId: here.organizationId, projectId: id, userId: here.owner.id });
  const hold = { member, owner, amounts: gpus('0.625'), expiresAt: here.day(1) };
  const held = await inTransaction(api.db, (tx) => holdQuota(tx, hold, { at: here.day(0), by }));
  const path = `/v1/projects/${id}/quota`;
  const seen = await api.call(path, { token: here.owner.token });
  t.is(seen.status, 200);
  t.like(seen.body, { project_id: id, quota: gpus('3'), used: gpus('0'), held: gpus('0.625'), free: { gpu: '2.375', cpu: '0', ram_gib: '0' }, until: here.day(20), released_at: null });
  t.like(seen.body.allocations, [{ id: held.id, owner, user: { id: here.owner.id }, state: 'held', gpu: '0.625', expires_at: here.day(1) }]);
  t.is((await api.call(path, { token: here.manager.token })).status, 200);
  t.is((await api.call(path, { token: here.member.token })).status, 404);
  const without = await insertReviewing(api.db, here.organizationId, here.owner.id, here.day(0));
  t.is((await api.call(`/v1/projects/${without}/quota`, { token: here.owner.token })).body.code, 'quota.not-found');
});

test('the plan shows what is free over time to everybody, and names projects to their people', async (t) => {
  const { api } = t.context;
  const here = await place(api);
  await here.state({ gpu: '3' });
  const [now, later] = [await here.granted('1', 0, 20), await here.granted('2', 10, 30)];
  const ask = (who: Person, from: string, to: string) =>
    api.call(`/v1/organizations/${here.organizationId}/quota-plan?${new URLSearchParams({ from, to }).toString()}`, { token: who.token });
  const { body } = await ask(here.manager, here.day(5), here.day(40));
  t.deepEqual(body.steps.map((step: Record<string, { gpu: string }>) => [step.from, step.granted?.gpu, step.free?.gpu]), [
    [here.day(5), '1', '2'], [here.day(10), '3', '0'], [here.day(20), '2', '1'], [here.day(30), '0', '3'],
  ]);
  t.deepEqual(body.grants.map((grant: Record<string, unknown>) => [(grant.project as { id: string }).id, grant.since, grant.until, grant.overran]), [
    [now, here.day(0), here.day(20), false], [later, here.day(10), here.day(30), false],
  ]);
  const others = await ask(here.member, here.day(25), here.day(40));
  t.deepEqual(others.body.grants.map((grant: Record<string, unknown>) => grant.project), [null]);
  t.is((await ask(here.member, here.day(5), here.day(5))).body.code, 'quotas.empty-window');
  t.is((await ask(here.member, here.day(0), here.day(9_999))).body.code, 'quotas.window-too-long');
  t.is((await ask(here.member, 'soon', here.day(5))).body.code, 'request.invalid');
});
