import type { Measurement, Results } from './harness.ts';

/** Something the product must reach. Ratios, memory and counts are judged; times are only printed. */
export interface Goal {
  text: string;
  measured: number;
  is: 'at most' | 'at least';
  limit: number;
  unit: '×' | 'MB' | 'rows';
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values to take the median of');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle] ?? 0, sorted[middle] ?? 0];
  return (low + high) / 2;
}

export type Measure = (measurement: Measurement) => number;

export const wall: Measure = ({ wallMs }) => wallMs;
export const cpu: Measure = ({ cpuMs }) => cpuMs;
export const peak: Measure = ({ peakMb }) => peakMb;
export const peakAboveIdle: Measure = ({ peakMb, idleMb }) => peakMb - idleMb;

export function measurementsOf(results: Results, name: string): readonly Measurement[] {
  const measurements = results.get(name);
  if (measurements === undefined) throw new RangeError(`no case is called ${name}`);
  return measurements;
}

/** The median over rounds of what `one` took divided by what `other` took in the same round, each by its measure. */
export function ratio(results: Results, one: string, other: string, measure: Measure, measureOther: Measure = measure): number {
  const others = measurementsOf(results, other);
  return median(measurementsOf(results, one).map((measurement, round) => {
    const beside = others[round];
    if (beside === undefined) throw new RangeError(`${other} has no round ${round}`);
    return measure(measurement) / measureOther(beside);
  }));
}

export function medianOf(results: Results, name: string, measure: Measure): number {
  return median(measurementsOf(results, name).map(measure));
}

/** Medians of each case, as a table; absolute figures, which depend on the machine. */
export function caseTable(results: Results): string {
  const rows = [...results.keys()].map((name) => [
    name, seconds(medianOf(results, name, wall)), seconds(medianOf(results, name, cpu)),
    medianOf(results, name, ({ idleMb }) => idleMb).toFixed(0), medianOf(results, name, peak).toFixed(0),
  ]);
  return table([['case (medians)', 'wall s', 'CPU s', 'idle MB', 'peak MB'], ...rows]);
}

export function isMet({ measured, is, limit }: Goal): boolean {
  return is === 'at most' ? measured <= limit : measured >= limit;
}

/** Measured beside wanted; with `judged` also whether it was met. */
export function goalTable(goals: readonly Goal[], judged: boolean): string {
  const rows = goals.map((goal) => [
    goal.text, amount(goal.measured, goal.unit), `${goal.is} ${amount(goal.limit, goal.unit)}`, judged ? verdict(goal) : '',
  ]);
  return table([['goal (median of the ratios of each round)', 'measured', 'wanted', ''], ...rows]);
}

const verdict = (goal: Goal): string => (isMet(goal) ? 'met' : 'NOT MET');
const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(2);

function amount(value: number, unit: Goal['unit']): string {
  if (unit === '×') return `${value.toFixed(2)} ×`;
  return `${value.toFixed(0)} ${unit}`;
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join('\n');
}
