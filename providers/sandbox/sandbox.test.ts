import anyTest, { type TestFn } from 'ava';
import { addSandboxFault, clearSandboxFaults, type FaultWish } from '../../commands/sandbox/faults.ts';
import { editSandboxAccount } from '../../commands/sandbox/edit-account.ts';
import { actInConsole } from '../../commands/sandbox/instances.ts';
import { createScalingGroup } from '../../commands/sandbox/scaling-groups.ts';
import { listCalls } from '../../db/sandbox/call-log.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { DiscoveredInstance, InstanceRef } from '../../domain/resources/instance.ts';
import type { SandboxInstance } from '../../domain/sandbox/instance.ts';
import { system } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { freshDatabase, type FreshDatabase } from '../../tests/helpers/database.ts';
import { refTo, sandboxFaultWish, standingClock, testSandbox, type StandingClock, type TestSandbox } from '../../tests/helpers/sandbox.ts';

const test = anyTest as TestFn<{ database: FreshDatabase }>;
const never = new AbortController().signal;

test.before(async (t) => {
  t.context.database = await freshDatabase();
});
test.after.always(async (t) => {
  await t.context.database?.drop();
});

/** A sandbox of an organization of its own, with what people do to it. */
async function open({ database: { db } }: { database: FreshDatabase }, pageSize = 500) {
  const clock: StandingClock = standingClock();
  const box: TestSandbox = await testSandbox(db, clock, { pageSize });
  const { key, account } = box;
  const command = () => ({ at: clock.now(), by: system('test') });
  return {
    ...box,
    clock,
    command,
    db,
    fault: (kind: FaultWish['kind'], changes: Partial<FaultWish> = {}) =>
      inTransaction(db, (tx) => addSandboxFault(tx, { key, wish: sandboxFaultWish(kind, changes) }, command())),
    clearFaults: () => inTransaction(db, (tx) => clearSandboxFaults(tx, key, command())),
    console: ({ id }: SandboxInstance, action: 'start' | 'stop') =>
      inTransaction(db, (tx) => actInConsole(tx, { organizationId: key.organizationId, id }, action, command())),
    start: (refs: InstanceRef[], requestKey: string) => account.power.start(refs, requestKey, never),
    stop: (refs: InstanceRef[], requestKey: string) => account.power.stop(refs, requestKey, never),
    stateOf: async (one: { id: string; regionId: SandboxInstance['regionId'] }) =>
      (await account.power.observe([refTo(one)], never)).get(one.id)?.state,
    effective: async () => (await listCalls(db, key, { changed: true }, { limit: 100_000, before: null })).rows,
    async discover() {
      const found: DiscoveredInstance[] = [];
      for await (const step of account.catalog.discover(never)) if (step.kind === 'instances') found.push(...step.instances);
      return found;
    },
  };
}

const first = (made: SandboxInstance[]): SandboxInstance => made[0] as SandboxInstance;

async function refusal(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (error instanceof DomainError) return problemOf(error);
    throw error;
  }
}

test('a key acts once, also when somebody did the opposite meanwhile, and a new key acts again', async (t) => {
  const box = await open(t.context);
  const one = first(await box.make({ state: 'running' }));
  await box.stop([refTo(one)], 'evening');
  box.clock.forward(10);
  await box.console(one, 'start');
  box.clock.forward(10);
  t.is(await box.stateOf(one), 'running');
  t.like((await box.stop([refTo(one)], 'evening')).get(one.id), { accepted: true, state: 'running' });
  t.is(await box.stateOf(one), 'running');
  await box.stop([refTo(one)], 'next evening');
  t.is(await box.stateOf(one), 'stopping');
  t.deepEqual((await box.effective()).map(({ via, action }) => `${via} ${action}`), ['api stop', 'console start', 'api stop']);
});

test('a start that fell back may be repeated by its key', async (t) => {
  const box = await open(t.context);
  const one = first(await box.make());
  await box.fault('operation-fails', { remaining: 1 });
  await box.start([refTo(one)], 'morning');
  box.clock.forward(10);
  const fallen = (await box.account.power.observe([refTo(one)], never)).get(one.id);
  t.is(fallen?.state, 'stopped');
  t.regex(fallen?.stateReason ?? '', /InsufficientInstanceCapacity: no capacity for general.medium in sandbox-eu-1a/);
  await box.start([refTo(one)], 'morning');
  box.clock.forward(10);
  t.is(await box.stateOf(one), 'running');
});

test('callers who want the same of the same instances at the same time bring about one action each', async (t) => {
  const box = await open(t.context);
  const refs = (await box.make({}, 50)).map(refTo);
  // Batches that overlap, in different orders.
  const batches = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? refs : refs.toReversed()).slice(index, index + 30));
  await Promise.all(batches.map((batch, index) => box.start(batch, `caller-${index}`)));
  const started = (await box.effective()).map(({ instanceId }) => instanceId);
  t.is(new Set(started).size, started.length);
  t.deepEqual(started.map(String).toSorted(), [...new Set(batches.flat().map(({ nativeId }) => nativeId))].toSorted());
  t.is((await listCalls(box.db, box.key, {}, { limit: 1000, before: null })).total, 12 * 30);
});

test('of ten callers five calls are throttled, no more and no fewer, and the rest takes effect', async (t) => {
  const box = await open(t.context);
  const made = await box.make({}, 10);
  await box.fault('throttled', { remaining: 5, retryAfterSeconds: 3 });
  const outcomes = await Promise.all(made.map((one) => refusal(box.start([refTo(one)], 'go'))));
  t.deepEqual(outcomes.map(String).toSorted(), [...Array<string>(5).fill('null'), ...Array<string>(5).fill('throttled')]);
  t.is((await box.effective()).length, 5);
  const { rows } = await listCalls(box.db, box.key, { outcome: 'throttled' }, { limit: 10, before: null });
  t.like(rows[0], { action: 'start', via: 'api', batch: 1, changed: false, requestKey: 'go' });
});

test('a batch is refused each for itself, or as a whole when the account is so', async (t) => {
  const box = await open(t.context);
  const [good, full] = (await box.make({}, 2)) as [SandboxInstance, SandboxInstance];
  await box.fault('no-capacity', { instanceId: full.id });
  const answers = await box.start([refTo(good), refTo(full)], 'one');
  t.true(answers.get(good.id)?.accepted);
  const refused = answers.get(full.id);
  t.is(refused?.accepted === false && problemOf(refused.error), 'no-capacity');
  await inTransaction(box.db, (tx) => editSandboxAccount(tx, { key: box.key, changes: { refusesWholeBatches: true } }, box.command()));
  const [other] = (await box.make()) as [SandboxInstance];
  t.is(await refusal(box.start([refTo(other), refTo(full)], 'two')), 'no-capacity');
  t.is(await box.stateOf(other), 'stopped');
  t.is(await refusal(box.start([refTo(other)], 'two')), null);
});

test('what is lost on the way back has taken effect, and the log says so', async (t) => {
  const box = await open(t.context);
  const one = first(await box.make());
  await box.fault('answer-lost', { action: 'start', remaining: 1 });
  t.is(await refusal(box.start([refTo(one)], 'go')), 'unavailable');
  t.is(await box.stateOf(one), 'starting');
  t.deepEqual((await box.effective()).map(({ outcome, changed }) => [outcome, changed]), [['answer-lost', true]]);
});

test('an outage of one region leaves the others alone, and revoked access stops everything by its name', async (t) => {
  const box = await open(t.context);
  const here = first(await box.make({ state: 'running' }));
  const there = first(await box.make({ state: 'running', regionId: 'sandbox-us-1' }));
  await box.fault('unavailable', { regionId: 'sandbox-us-1' });
  const seen = await box.account.power.observe([refTo(here), refTo(there)], never);
  t.is(seen.get(here.id)?.state, 'running');
  t.is(seen.get(there.id)?.state, 'unknown');
  t.is(await refusal(box.account.power.observe([refTo(there)], never)), 'unavailable');
  await box.clearFaults();
  t.is(await box.stateOf(there), 'running');
  await box.fault('bad-credentials');
  t.is(await refusal(box.discover()), 'bad-credentials');
  t.is(await refusal(box.stop([refTo(here)], 'go')), 'bad-credentials');
});

test('a stopped member is replaced once, however many look', async (t) => {
  const box = await open(t.context);
  const group = await inTransaction(box.db, (tx) => createScalingGroup(tx, { key: box.key, name: 'workers', replacedAfterSeconds: 20 }, box.command()));
  const [member, bystander] = [first(await box.make({ scalingGroupId: group.id, state: 'running' })), first(await box.make({ state: 'running' }))];
  await box.stop([refTo(member)], 'go');
  box.clock.forward(29);
  t.deepEqual((await box.discover()).map(({ state }) => state), ['stopped', 'running']);
  box.clock.forward(1);
  t.is(await box.stateOf(member), 'terminated');
  const looks = await Promise.all(Array.from({ length: 6 }, () => box.discover()));
  for (const found of looks) t.deepEqual(found, looks[0]);
  const found = looks[0] ?? [];
  t.deepEqual(found.map(({ nativeId, state }) => [nativeId === bystander.id, state]), [[true, 'running'], [false, 'starting']]);
  t.like(found[1], { launchedAt: box.clock.now(), canStop: { allowed: false, reason: 'scaling-group' } });
  t.is(await box.stateOf(member), 'terminated');
});

test('a listing comes in pages without leaving one out or showing one twice, and prices are those of the account', async (t) => {
  const box = await open(t.context, 7);
  const made = [...(await box.make({ state: 'running' }, 21)), ...(await box.make({ regionId: 'sandbox-ap-1', instanceType: 'gpu.small' }, 3))];
  const prices = { 'gpu.small': '0.5' };
  await inTransaction(box.db, (tx) => editSandboxAccount(tx, { key: box.key, changes: { prices } }, box.command()));
  const found = await box.discover();
  t.deepEqual(found.map(({ nativeId }) => nativeId).toSorted(), made.map(({ id }) => id).toSorted());
  const priceOf = (type: string) => found.find(({ instanceType }) => instanceType === type)?.hourlyPrice;
  t.deepEqual(priceOf('general.medium'), { amount: '0.096', currency: 'USD' });
  t.deepEqual(priceOf('gpu.small'), { amount: '0.5', currency: 'USD' });
});

test('a person outside starts and stops by the cloud’s rules, and frees what is stuck', async (t) => {
  const box = await open(t.context);
  const one = first(await box.make({ state: 'running' }));
  await box.fault('stuck-stopping', { remaining: 1 });
  await box.stop([refTo(one)], 'go');
  box.clock.forward(3600);
  t.is(await box.stateOf(one), 'stopping');
  await t.throwsAsync(box.console(one, 'start'), { code: 'sandbox.wrong-state' });
  t.is((await box.console(one, 'stop')).state, 'stopped');
  t.is((await box.console(one, 'stop')).state, 'stopped');
  await box.console(one, 'start');
  t.is(await box.stateOf(one), 'starting');
  const spot = first(await box.make({ state: 'running', spot: 'one-time' }));
  await t.throwsAsync(box.console(spot, 'stop'), { code: 'sandbox.cannot-stop' });
  t.deepEqual((await box.effective()).map(({ action, via }) => `${via} ${action}`), ['console start', 'console stop', 'api stop']);
});

test('another organization’s sandbox of the same name is another cloud', async (t) => {
  const [ours, theirs] = [await open(t.context), await open(t.context)];
  const one = first(await ours.make({ state: 'running' }));
  t.is(await theirs.stateOf(one), 'terminated');
  const answer = (await theirs.stop([refTo(one)], 'go')).get(one.id);
  t.is(answer?.accepted === false && problemOf(answer.error), 'not-found');
  t.deepEqual(await theirs.discover(), []);
  t.is(await ours.stateOf(one), 'running');
  t.deepEqual(await ours.effective(), []);
});

test('an account’s name is checked, and credentials are not taken', async (t) => {
  const { provider } = await open(t.context);
  t.is((await provider.check({}, null, never)).accountId, 'sandbox');
  t.is((await provider.check({ account: 'staging-2' }, null, never)).accountId, 'staging-2');
  for (const account of ['', 'Staging', '2nd', 'a b', 'x'.repeat(41)]) {
    const error = t.throws(() => provider.refuseMalformed({ account }, null), { instanceOf: DomainError });
    t.deepEqual(error.fields.map(({ field }) => field), ['account']);
  }
  const credentials = { kind: 'default-chain' as const };
  t.throws(() => provider.refuseMalformed({}, credentials), { code: 'sandbox.takes-no-credentials' });
});
