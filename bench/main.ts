import { Command, InvalidArgumentError } from 'commander';
import { cpus, loadavg, totalmem } from 'node:os';
import { interruption } from './harness.ts';
import { benchApi } from './api.ts';
import { benchBookings } from './bookings.ts';
import { benchImport } from './import.ts';
import type { BenchOptions, Say } from './options.ts';
import { benchPowerPreview } from './power-preview.ts';
import { benchPower } from './power.ts';
import { benchProjects } from './projects.ts';
import { goalTable, isMet } from './report.ts';
import type { Goal } from './report.ts';

/** Each domain's benchmark under the name one types. */
const BENCHMARKS: Readonly<Record<string, (options: BenchOptions, say: Say) => Promise<Goal[]>>> = { import: benchImport, api: benchApi, preview: benchPowerPreview, power: benchPowerWhole, bookings: benchBookings, projects: benchProjects };

/** Firing, and what is asked before anything fires: `preview` alone takes moments, for whoever works on it. */
async function benchPowerWhole(options: BenchOptions, say: Say): Promise<Goal[]> {
  return [...(await benchPower(options, say)), ...(await benchPowerPreview(options, say))];
}

const LEAST_ROUNDS = 5;

function rounds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < LEAST_ROUNDS) throw new InvalidArgumentError(`expected a whole number, at least ${LEAST_ROUNDS}.`);
  return value;
}

const say: Say = (line) => console.log(line);

const command = new Command('bench')
  .description('Measure the product beside plain peers. Goals are ratios; times depend on the machine and are only printed.')
  .argument('[names...]', Object.keys(BENCHMARKS).join(', '), Object.keys(BENCHMARKS).filter((name) => name !== 'preview'))
  .option('--rounds <n>', 'rounds of each case', rounds, LEAST_ROUNDS)
  .option('--quick', 'small sizes and two rounds, to see that it works; goals are not judged', false)
  .option('--by-cpu', 'judge by CPU time, when others use the machine too', false);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interruption.abort(new Error(`interrupted by ${signal}: no results`)));
}

command.action(async (names: string[], flags: BenchOptions) => {
  if (process.platform !== 'linux') throw new Error('The benchmarks read /proc for CPU and memory: run them on Linux.');
  const options: BenchOptions = { ...flags, rounds: flags.quick ? 2 : flags.rounds };
  const goals: Goal[] = [];
  for (const name of names) {
    const bench = BENCHMARKS[name];
    if (bench === undefined) throw new Error(`there is no benchmark ${name}: choose from ${Object.keys(BENCHMARKS).join(', ')}`);
    say(`${name}: ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${(totalmem() / 2 ** 30).toFixed(0)} GB, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`);
    const reached = await bench(options, say);
    say(`\n${goalTable(reached, !options.quick)}\n`);
    goals.push(...reached);
  }
  if (options.quick) say('These were small sizes: the goals are for the full ones and are not judged.');
  else if (!goals.every(isMet)) process.exitCode = 1;
});

await command.parseAsync();
