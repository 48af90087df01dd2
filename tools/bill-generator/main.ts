import { Command, InvalidArgumentError } from 'commander';
import { BILL_DEFAULTS, generateBill } from './generate.ts';
import type { BillDialect } from './generate.ts';

const DIALECTS: readonly BillDialect[] = ['cur-csv', 'cur2-parquet', 'cur2-csv'];

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number.');
  return value;
}

function dialects(text: string): BillDialect[] {
  return text.split(',').map((name) => {
    const dialect = DIALECTS.find((candidate) => candidate === name);
    if (dialect === undefined) throw new InvalidArgumentError(`expected some of ${DIALECTS.join(', ')}.`);
    return dialect;
  });
}

interface Flags {
  items: number; resources: number; firstDay: string; days: number; filesPerMonth: number; seed: number;
  dialects: BillDialect[]; daily: boolean; running: boolean;
}

const command = new Command('bill-generator')
  .description('Write a made-up AWS bill, the same for the same options, and its exact sums as truth.json')
  .argument('<directory>', 'where to write; stands for the bucket')
  .option('--items <n>', 'rows of usage', count, 1_000_000)
  .option('--resources <n>', 'what they are spread over', count, 5_000)
  .option('--first-day <date>', 'YYYY-MM-DD', BILL_DEFAULTS.firstDay)
  .option('--days <n>', 'length of the bill', count, 7)
  .option('--files-per-month <n>', 'parts of each month', count, BILL_DEFAULTS.filesPerMonth)
  .option('--seed <n>', 'another seed, another bill', count, BILL_DEFAULTS.seed)
  .option('--dialects <names>', DIALECTS.join(','), dialects, [...BILL_DEFAULTS.dialects])
  .option('--daily', 'one interval a day instead of one an hour', false)
  .option('--running', 'leave the last month without invoices', false);

command.action(async (directory: string, flags: Flags) => {
  const { daily, running, ...rest } = flags;
  const { truth } = await generateBill({
    ...BILL_DEFAULTS, ...rest, directory, granularity: daily ? 'daily' : 'hourly', lastMonthRuns: running,
  });
  console.log(`${truth.rows} rows, ${truth.resources} resources, ${truth.resourceDays} resource-days in ${directory}`);
  for (const [currency, totals] of Object.entries(truth.totals)) console.log(`${totals.billed} ${currency} billed, ${totals.effective} effective`);
});

await command.parseAsync();
