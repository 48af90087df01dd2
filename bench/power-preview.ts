import { FIRES } from './cases/preview-schedules.ts';
import type { PreviewInput } from './cases/preview-schedules.ts';
import { numberIn } from './checks.ts';
import { runInterleaved } from './harness.ts';
import type { Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { caseTable, cpu, medianOf, ratio, table, wall } from './report.ts';
import type { Goal } from './report.ts';

/** Saturday noon, so that nothing is on as the simulated year begins. */
const AFTER = '2026-01-03T12:00:00.000Z';

/** Sizes at which each case takes long enough to be timed. */
const QUESTIONS = [
  { question: 'fires', text: `preview of ${FIRES} fires`, schedules: 50, quick: 10 },
  { question: 'year', text: 'a simulated year', schedules: 100, quick: 10 },
  { question: 'sweep', text: 'next fire, in a sweep', schedules: 5_000, quick: 200 },
] as const;

/** `npm run bench -- preview`: the recurrence engine beside croner, on schedules for which both must say the same. */
export async function benchPowerPreview(options: BenchOptions, say: Say): Promise<Goal[]> {
  const asked = QUESTIONS.map((one) => ({ ...one, schedules: options.quick ? one.quick : one.schedules }));
  const cases = asked.flatMap(({ question, text, schedules }) => {
    const input: PreviewInput = { question, schedules, after: AFTER };
    const sums = new Map<number, number>();
    return [caseOf(`${text}, engine`, 'preview-engine.ts', input, sums), caseOf(`${text}, croner`, 'preview-croner.ts', input, sums)];
  });
  const results = await runInterleaved(cases, options.rounds, say);
  const perSchedule = asked.flatMap(({ text, schedules }) => ['engine', 'croner'].map((side) => (
    [`${text}, ${side}`, String(schedules), ((medianOf(results, `${text}, ${side}`, wall) * 1000) / schedules).toFixed(1)]
  )));
  say(`\n${caseTable(results)}\n\n${table([['a fresh process, its first questions included', 'schedules', 'µs each'], ...perSchedule])}`);
  return asked.map(({ text }) => ({
    text: `${text} ÷ croner`, measured: ratio(results, `${text}, engine`, `${text}, croner`, options.byCpu ? cpu : wall), is: 'at most', limit: 0.5, unit: '×',
  }));
}

/** Both sides' answers are summed up; the second one of a round must come to what the first one did. */
function caseOf(name: string, module: string, input: PreviewInput, sums: Map<number, number>): Case {
  return {
    name, module, input: () => input,
    check: (output, round) => {
      const sum = numberIn(output, 'sum');
      const other = sums.get(round) ?? sum;
      if (!Number.isFinite(sum) || sum !== other) throw new Error(`answers come to ${sum} instead of ${other}`);
      sums.set(round, sum);
    },
  };
}
