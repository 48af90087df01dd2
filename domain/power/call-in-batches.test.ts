import test from 'ava';
import fc from 'fast-check';
import { cloudError, problemOf, type CloudProblem } from '../data-sources/cloud-errors.ts';
import type { PowerCall } from '../data-sources/cloud-ports.ts';
import type { InstanceRef } from '../resources/instance.ts';
import { callInBatches } from './call-in-batches.ts';

const CLOUD = 'aws';

function refsOf(count: number, regionId = 'r1'): InstanceRef[] {
  return Array.from({ length: count }, (_, index) => ({ nativeId: `${regionId}-${index}`, regionId, handle: {}, discardLocalSsd: false }));
}

function refusal(problem: CloudProblem, resource: string) {
  return cloudError(CLOUD, problem, { call: 'start', resource, cloudCode: problem });
}

/** A cloud that refuses a whole call for the first culprit in it, and takes effect on all members or none. */
class AllOrNothing {
  readonly calls: string[][] = [];
  readonly effective: string[] = [];
  mostBesideEachOther = 0;
  private under = 0;
  private readonly culprits: ReadonlyMap<string, CloudProblem>;

  constructor(culprits: Record<string, CloudProblem>) {
    this.culprits = new Map(Object.entries(culprits));
  }

  readonly call = async (refs: readonly InstanceRef[]): Promise<Map<string, PowerCall>> => {
    this.under += 1;
    this.mostBesideEachOther = Math.max(this.mostBesideEachOther, this.under);
    await Promise.resolve();
    this.under -= 1;
    const ids = refs.map(({ nativeId }) => nativeId);
    this.calls.push(ids);
    const culprit = ids.find((id) => this.culprits.has(id));
    if (culprit !== undefined) throw refusal(this.culprits.get(culprit) as CloudProblem, culprit);
    this.effective.push(...ids);
    return new Map(ids.map((id) => [id, { accepted: true, state: 'starting', operation: null }]));
  };
}

function problems(answers: Map<string, PowerCall>): Record<string, string | null> {
  return Object.fromEntries(
    [...answers].flatMap(([id, answer]) => (answer.accepted ? [] : [[id, problemOf(answer.error) + (answer.error.details.assumed === true ? ' (assumed)' : '')]])),
  );
}

test('whole batches are called, region by region, as many beside each other as allowed', async (t) => {
  const cloud = new AllOrNothing({});
  const refs = [...refsOf(250, 'r1'), ...refsOf(30, 'r2')];
  const answers = await callInBatches(refs, cloud.call, { cloud: CLOUD, batchSize: 100, concurrency: 3 });
  t.deepEqual(cloud.calls.map(({ length }) => length), [100, 100, 50, 30]);
  t.true(cloud.calls.every((ids) => new Set(ids.map((id) => id.slice(0, 2))).size === 1));
  t.is(cloud.mostBesideEachOther, 3);
  t.deepEqual([...answers.keys()].sort(), refs.map(({ nativeId }) => nativeId).sort());
});

test('one culprit among a hundred is found in fourteen calls more, and all others are called once', async (t) => {
  const cloud = new AllOrNothing({ 'r1-37': 'not-found' });
  const answers = await callInBatches(refsOf(100), cloud.call, { cloud: CLOUD, batchSize: 100, concurrency: 1 });
  t.deepEqual(problems(answers), { 'r1-37': 'not-found' });
  t.is(cloud.effective.length, 99);
  t.true(cloud.calls.length <= 15, `${cloud.calls.length} calls`);
});

test('whole batches go before the halves of a refused one', async (t) => {
  const cloud = new AllOrNothing({ 'r1-0': 'wrong-state' });
  await callInBatches(refsOf(40), cloud.call, { cloud: CLOUD, batchSize: 10, concurrency: 1 });
  t.deepEqual(cloud.calls.slice(0, 4).map(([first]) => first), ['r1-0', 'r1-10', 'r1-20', 'r1-30']);
});

for (const problem of ['missing-permission', 'no-capacity', 'quota-exceeded'] as const) {
  test(`${problem} of all members is not asked for one by one, and says which answers are assumed`, async (t) => {
    const refs = refsOf(1000);
    const cloud = new AllOrNothing(Object.fromEntries(refs.map(({ nativeId }) => [nativeId, problem])));
    const answers = await callInBatches(refs, cloud.call, { cloud: CLOUD, batchSize: 100, concurrency: 1 });
    t.is(cloud.calls.length, 10 + 12);
    t.is(answers.size, 1000);
    const alone = new Set(cloud.calls.filter(({ length }) => length === 1).flat());
    for (const [id, found] of Object.entries(problems(answers))) t.is(found, alone.has(id) ? problem : `${problem} (assumed)`);
  });
}

test('a lack of one kind keeps no other kind from being called', async (t) => {
  const big = refsOf(90).map((ref) => ({ ...ref, handle: { kind: 'p4d.24xlarge in a' } }));
  const small = refsOf(100).slice(90).map((ref) => ({ ...ref, handle: { kind: 'm5.large in a' } }));
  const cloud = new AllOrNothing(Object.fromEntries(big.map(({ nativeId }) => [nativeId, 'no-capacity'])));
  const answers = await callInBatches([...big, ...small], cloud.call, { cloud: CLOUD, batchSize: 100, concurrency: 1 });
  t.true(small.every(({ nativeId }) => answers.get(nativeId)?.accepted));
  t.is(Object.keys(problems(answers)).length, 90);
  t.true(cloud.calls.length <= 1 + 12 + 2, `${cloud.calls.length} calls`);
});

test('as many of a kind are started as its quota still holds', async (t) => {
  let free = 5;
  const call = (refs: readonly InstanceRef[]): Promise<Map<string, PowerCall>> => {
    if (refs.length > free) return Promise.reject(refusal('quota-exceeded', `${refs.length} instances`));
    free -= refs.length;
    return Promise.resolve(new Map(refs.map(({ nativeId }) => [nativeId, { accepted: true, state: 'starting', operation: null }])));
  };
  const answers = await callInBatches(refsOf(100), call, { cloud: CLOUD, batchSize: 100, concurrency: 1 });
  t.is([...answers.values()].filter(({ accepted }) => accepted).length, 5);
  t.is(answers.size, 100);
});

test('attempts that leave the culprits out come to every member that may be called', async (t) => {
  const refs = refsOf(100);
  // Nine of ten are refused: the worst kind of mixture for halving.
  const cloud = new AllOrNothing(Object.fromEntries(refs.filter((_, index) => index % 10 !== 9).map(({ nativeId }) => [nativeId, 'missing-permission'])));
  let left = refs;
  let attempts = 0;
  for (; left.length > 0 && attempts < 100; attempts += 1) {
    const answers = await callInBatches(left, cloud.call, { cloud: CLOUD, batchSize: 100, concurrency: 1 });
    left = left.filter(({ nativeId }) => {
      const answer = answers.get(nativeId);
      return answer?.accepted === false && answer.error.details.assumed === true;
    });
  }
  t.is(left.length, 0);
  t.deepEqual([...cloud.effective].sort(), refs.filter((_, index) => index % 10 === 9).map(({ nativeId }) => nativeId).sort());
  const alone = cloud.calls.filter(({ length }) => length === 1).flat();
  t.is(new Set(alone).size, alone.length, 'nobody was called alone twice');
});

test('throttling ends the calls to its region and to no other', async (t) => {
  const cloud = new AllOrNothing({ 'r1-0': 'throttled' });
  const answers = await callInBatches([...refsOf(30, 'r1'), ...refsOf(10, 'r2')], cloud.call, { cloud: CLOUD, batchSize: 10, concurrency: 1 });
  t.deepEqual(cloud.calls.map(([first]) => first), ['r1-0', 'r2-0']);
  const found = Object.values(problems(answers));
  t.is(found.filter((one) => one === 'throttled').length, 10);
  t.is(found.filter((one) => one === 'throttled (assumed)').length, 20);
});

test('bad credentials end all calls', async (t) => {
  const cloud = new AllOrNothing({ 'r1-0': 'bad-credentials' });
  const answers = await callInBatches([...refsOf(20, 'r1'), ...refsOf(10, 'r2')], cloud.call, { cloud: CLOUD, batchSize: 10, concurrency: 1 });
  t.is(cloud.calls.length, 1);
  t.is(Object.keys(problems(answers)).length, 30);
});

test('a lost call is not split: it may have taken effect', async (t) => {
  const cloud = new AllOrNothing({ 'r1-3': 'unavailable' });
  const answers = await callInBatches(refsOf(20), cloud.call, { cloud: CLOUD, batchSize: 10, concurrency: 1 });
  t.is(cloud.calls.length, 2);
  t.is(Object.values(problems(answers)).filter((one) => one === 'unavailable').length, 10);
});

test('answers for each member are kept, and a member without an answer is told as such', async (t) => {
  const refused = refusal('no-capacity', 'r1-1');
  const call = () => Promise.resolve(new Map<string, PowerCall>([
    ['r1-0', { accepted: true, state: 'starting', operation: 'op-1' }],
    ['r1-1', { accepted: false, error: refused }],
  ]));
  const answers = await callInBatches(refsOf(3), call, { cloud: CLOUD, batchSize: 100, concurrency: 1 });
  t.deepEqual(answers.get('r1-0'), { accepted: true, state: 'starting', operation: 'op-1' });
  t.deepEqual(answers.get('r1-1'), { accepted: false, error: refused });
  t.deepEqual(problems(answers), { 'r1-1': 'no-capacity', 'r1-2': 'unavailable' });
});

test('a fault of the program ends it, after the calls under way', async (t) => {
  const ended: string[] = [];
  const call = async (refs: readonly InstanceRef[]): Promise<Map<string, PowerCall>> => {
    const first = refs[0]?.nativeId ?? '';
    if (first === 'r1-0') throw new TypeError('a bug');
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(first);
    return new Map();
  };
  await t.throwsAsync(callInBatches(refsOf(30), call, { cloud: CLOUD, batchSize: 10, concurrency: 2 }), { instanceOf: TypeError });
  t.deepEqual(ended, ['r1-10']);
});

test('no member is called to effect twice, and none that may be called is left out', async (t) => {
  const culprit = fc.constantFrom<CloudProblem>('not-found', 'wrong-state', 'cannot-stop', 'rejected');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 130 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 5 }),
      fc.dictionary(fc.integer({ min: 0, max: 129 }).map((index) => `r1-${index}`), culprit, { maxKeys: 12 }),
      async (count, batchSize, concurrency, culprits) => {
        const cloud = new AllOrNothing(culprits);
        const refs = refsOf(count);
        const answers = await callInBatches(refs, cloud.call, { cloud: CLOUD, batchSize, concurrency });
        const expected = Object.entries(culprits).filter(([id]) => refs.some(({ nativeId }) => nativeId === id));
        t.deepEqual(problems(answers), Object.fromEntries(expected));
        t.is(answers.size, count);
        t.is(cloud.effective.length, new Set(cloud.effective).size);
        t.is(cloud.effective.length, count - expected.length);
        t.true(cloud.mostBesideEachOther <= concurrency);
      },
    ),
    { numRuns: 150 },
  );
});
