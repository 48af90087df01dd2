import test from 'ava';
import { runInterleaved, VoidRun } from './harness.ts';
import type { Case } from './harness.ts';

const MODULE = '../testing/holds-memory.ts';

function caseOf(name: string, megabytes: number, log: string[]): Case {
  return {
    name, module: MODULE,
    input: (round) => {
      log.push(`${name}${round}`);
      return { megabytes, answer: name };
    },
    check: (output) => {
      if (output.answer !== name) throw new Error(`the answer is ${String(output.answer)}`);
    },
    after: () => {
      log.push(`-${name}`);
      return Promise.resolve();
    },
  };
}

test('cases take turns, and memory and CPU of what they start are theirs', async (t) => {
  const log: string[] = [];
  const results = await runInterleaved([caseOf('small', 1, log), caseOf('large', 200, log)], 2, () => undefined);
  t.deepEqual(log, ['small0', '-small', 'large0', '-large', 'large1', '-large', 'small1', '-small']);
  for (const [round, large] of (results.get('large') ?? []).entries()) {
    const small = results.get('small')?.[round];
    if (small === undefined) throw new Error('the small case has too few rounds');
    t.true(large.peakMb - small.peakMb > 150, `${large.peakMb} MB and ${small.peakMb} MB`);
    t.true(large.cpuMs >= 290, `${large.cpuMs} ms`);
    t.true(large.peakMb - large.idleMb > 200);
  }
});

test('a wrong output voids the run, and the round is still cleaned up', async (t) => {
  const log: string[] = [];
  const wrong: Case = { ...caseOf('one', 1, log), check: () => { throw new Error('the total is 1 instead of 2'); } };
  const error = await t.throwsAsync(runInterleaved([wrong], 2, () => undefined), { instanceOf: VoidRun });
  t.regex(error.message, /one: the total is 1 instead of 2/);
  t.deepEqual(log, ['one0', '-one']);
});

test('a case whose process dies fails the run instead of waiting for it', async (t) => {
  const dying: Case = { ...caseOf('dying', 1, []), module: '../testing/no-such-case.ts' };
  await t.throwsAsync(runInterleaved([dying], 1, () => undefined), { message: /ended with 1 before it was ready/ });
});
