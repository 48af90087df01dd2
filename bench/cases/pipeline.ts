import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from '../../db/shared/connection.ts';
import type { PeriodFile, PeriodReading } from '../../domain/billing/ports.ts';
import { createPeriodReader } from '../../providers/aws/billing/period-reader.ts';
import { memoryLimitMb } from '../../workers/dependencies.ts';
import type { Prepare } from '../case.ts';
import { benchConfig } from './config.ts';
import { mergeReading, storedSums } from './merge.ts';
import { createTenant } from './tenant.ts';

export interface PipelineInput {
  databaseUrl: string;
  /** `YYYY-MM-01`. */
  billingPeriod: string;
  files: PeriodFile[];
  workDirectory: string;
}

/** The product's own reader and merge on spooled files, into an empty database. */
export const prepare: Prepare<PipelineInput> = async ({ databaseUrl, billingPeriod, files, workDirectory }) => {
  const db = connect(databaseUrl, { poolMax: 4, applicationName: 'orrery-bench' });
  await createTenant(db);
  const directory = await mkdtemp(`${workDirectory}/read-`);
  const config = benchConfig({ databaseUrl, temporalAddress: '127.0.0.1:7233', directory, exportDirectory: directory });
  const reader = createPeriodReader({ memoryLimitMb: memoryLimitMb(config.duckdbMemory) });
  let reading: PeriodReading | null = null;
  return {
    async run() {
      const signal = new AbortController().signal;
      reading = await reader.read({ billingPeriod, files, takenAccounts: 'all', workDirectory: directory, signal, onProgress: () => undefined });
      await mergeReading(db, billingPeriod, reading);
    },
    async finish() {
      const sums = await storedSums(db);
      await db.destroy();
      await rm(directory, { recursive: true });
      return { sums, rows: reading?.files.reduce((rows, file) => rows + file.rows, 0) };
    },
  };
};
