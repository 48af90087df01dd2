import test from 'ava';
import { readTally } from './ava-summary.ts';

const ticked = '  ✔ config › one\n  ✔ config › two (1.2s)\n';

test('a clean run counts its ticked lines', (t) => {
  t.deepEqual(readTally(`${ticked}  ─\n\n  2 tests passed\n`, 0), { passed: 2, failed: 0 });
});

test('every kind of failure counts', (t) => {
  const output = `${ticked}  ✘ [fail]: config › three\n  ─\n\n  1 hook failed\n  3 tests failed\n  1 unhandled rejection\n  2 uncaught exceptions\n  4 tests remained pending after a timeout\n`;
  t.deepEqual(readTally(output, 1), { passed: 2, failed: 11 });
});

test('a run that ended badly without saying so counts one failure', (t) => {
  t.deepEqual(readTally(`${ticked}  ✘ broken.test.ts exited with a non-zero exit code: 1\n`, 1), { passed: 2, failed: 1 });
  t.deepEqual(readTally('', 1), { passed: 0, failed: 1 });
});

test('colours do not hide the numbers', (t) => {
  const escape = String.fromCharCode(27);
  t.deepEqual(readTally(`  ${escape}[32m✔${escape}[39m one\n  ${escape}[31m1 test failed${escape}[39m\n`, 1), { passed: 1, failed: 1 });
});
