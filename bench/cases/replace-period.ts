import { readFile } from 'node:fs/promises';
import type { PeriodDifferences } from '../../db/billing/replace-period.ts';
import { connect } from '../../db/shared/connection.ts';
import type { PeriodReading } from '../../domain/billing/ports.ts';
import type { Prepare } from '../case.ts';
import { mergeReading, storedSums } from './merge.ts';
import { writesSoFar } from './writes.ts';

export interface ReplacePeriodInput {
  databaseUrl: string;
  billingPeriod: string;
  /** A file that holds a `PeriodReading`. */
  readingPath: string;
}

const APPLICATION = 'orrery-bench-merge';

/** Only the import's last step: a reading in place of the generation that the database holds. */
export const prepare: Prepare<ReplacePeriodInput> = async ({ databaseUrl, billingPeriod, readingPath }) => {
  const reading = JSON.parse(await readFile(readingPath, 'utf8')) as PeriodReading;
  const before = await writesSoFar(databaseUrl, APPLICATION);
  const db = connect(databaseUrl, { poolMax: 2, applicationName: APPLICATION });
  await db.raw('select 1');
  let differences: PeriodDifferences | null = null;
  return {
    async run() {
      differences = await mergeReading(db, billingPeriod, reading);
    },
    async finish() {
      await db.destroy();
      const after = await writesSoFar(databaseUrl, APPLICATION);
      const look = connect(databaseUrl, { poolMax: 1, applicationName: 'orrery-bench-look' });
      const sums = await storedSums(look);
      await look.destroy();
      return {
        sums, outcome: differences?.outcome, costRows: differences?.costRows,
        rowsWritten: after.rows - before.rows, walBytes: after.walBytes - before.walBytes,
      };
    },
  };
};
