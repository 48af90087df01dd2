import test from 'ava';
import { newId } from '../../commands/shared/new-id.ts';
import { settle, type SandboxInstance } from '../../domain/sandbox/instance.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { refTo, standingClock, testSandbox } from '../../tests/helpers/sandbox.ts';
import { createSandboxStore } from './sandbox-store.ts';

const never = new AbortController().signal;

test('what a look found is not written over what somebody did meanwhile', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const clock = standingClock();
  const { key, account, make } = await testSandbox(db, clock);
  const store = createSandboxStore({ db, newInstanceId: () => newId('sandbox-instance') });
  const [one] = (await make({ bootSeconds: 10 })) as [SandboxInstance];
  await account.power.start([refTo(one)], 'morning', never);
  clock.forward(10);
  const nothing = { changed: [], faults: [], log: [], refusal: null };
  const seen: SandboxInstance[] = [];
  await store.look(key, { ids: [one.id] }, ({ instances }) => {
    seen.push(...instances.map((instance) => settle(instance, clock.now())));
    return nothing;
  });
  t.deepEqual(seen.map(({ state }) => state), ['running']);
  await account.power.stop([refTo(one)], 'evening', never);
  await store.look(key, { ids: [one.id] }, () => ({ ...nothing, changed: seen }));
  t.is((await account.power.observe([refTo(one)], never)).get(one.id)?.state, 'stopping');
});

test('what time has made of an instance is written when somebody looks, once', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const clock = standingClock();
  const { account, make } = await testSandbox(db, clock);
  const [one] = (await make({ bootSeconds: 10 })) as [SandboxInstance];
  const row = async () => await db('sandbox_instances').where({ id: one.id }).first('state', 'version', 'next_at');
  await account.power.start([refTo(one)], 'morning', never);
  clock.forward(10);
  t.like(await row(), { state: 'starting', version: 2 });
  for (const _ of [1, 2]) await account.power.observe([refTo(one)], never);
  t.deepEqual({ ...(await row()) }, { state: 'running', version: 3, next_at: null });
});
