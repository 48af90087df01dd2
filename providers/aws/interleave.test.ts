import test from 'ava';
import { interleave } from './interleave.ts';

interface Counted {
  running: number;
  most: number;
  ended: number;
}

async function* counting(count: number, name: string, counted: Counted): AsyncGenerator<string> {
  counted.running += 1;
  counted.most = Math.max(counted.most, counted.running);
  try {
    for (let index = 0; index < count; index += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      yield `${name}${index}`;
    }
  } finally {
    counted.running -= 1;
    counted.ended += 1;
  }
}

test('everything comes, each source in its own order, with no more at once than allowed', async (t) => {
  const counted = { running: 0, most: 0, ended: 0 };
  const seen: string[] = [];
  for await (const one of interleave(['a', 'b', 'c', 'd', 'e'].map((name, index) => counting(index, name, counted)), 2)) seen.push(one);
  t.is(seen.length, 0 + 1 + 2 + 3 + 4);
  for (const name of ['b', 'c', 'd', 'e']) t.deepEqual(seen.filter((one) => one.startsWith(name)), seen.filter((one) => one.startsWith(name)).sort());
  t.deepEqual(counted, { running: 0, most: 2, ended: 5 });
});

test('a failure is thrown and ends the others', async (t) => {
  const counted = { running: 0, most: 0, ended: 0 };
  async function* failing(): AsyncGenerator<string> {
    yield 'x';
    throw new Error('broken');
  }
  await t.throwsAsync(
    async () => {
      for await (const one of interleave([counting(1_000_000, 'a', counted), failing()], 2)) t.truthy(one);
    },
    { message: 'broken' },
  );
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  t.is(counted.running, 0);
});

test('a consumer that leaves ends the sources', async (t) => {
  const counted = { running: 0, most: 0, ended: 0 };
  for await (const one of interleave([counting(1_000_000, 'a', counted), counting(1_000_000, 'b', counted)], 2)) {
    t.truthy(one);
    break;
  }
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  t.is(counted.running, 0);
});
