/** What a run came to. */
export interface Tally {
  passed: number;
  failed: number;
}

// ava colours its output when told to; the escape sequences are not part of the text.
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const FAILURES = /^\s*(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? remained pending after a timeout)\b/gm;

/**
 * Counts what ava printed: a ticked line for each test that passed, and at the end the totals of each kind of failure.
 * A run that ended badly in any other way, a file that crashed or held no test, counts as one failure, so that it
 * cannot look clean.
 */
export function readTally(output: string, exitCode: number): Tally {
  const plain = output.replace(COLOURS, '');
  const passed = [...plain.matchAll(/^\s*[✔√] /gm)].length;
  const failed = [...plain.matchAll(FAILURES)].reduce((sum, match) => sum + Number(match[1]), 0);
  return { passed, failed: exitCode !== 0 && failed === 0 ? 1 : failed };
}
