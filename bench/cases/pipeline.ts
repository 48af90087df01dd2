import { mkdtemp, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
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
  /** The reader has started when the first file is there, as in an import, where it starts while that is fetched. */
  readerStarted: boolean;
}

/** Longer than a reader takes to start on any machine that this is worth running on. */
const READER_STARTS_MS = 1_500;

/** The product's own reader and merge on spooled files, into an empty database. */
export const prepare: Prepare<PipelineInput> = async ({ databaseUrl, billingPeriod, files, workDirectory, readerStarted }) => {
  const db = connect(databaseUrl, { poolMax: 4, applicationName: 'orrery-bench' });
  await createTenant(db);
  const directory = await mkdtemp(`${workDirectory}/read-`);
  const config = benchConfig({ databaseUrl, temporalAddress: '127.0.0.1:7233', directory, exportDirectory: directory });
  const reader = createPeriodReader({ memoryLimitMb: memoryLimitMb(config.duckdbMemory) });
  const fetched = Promise.withResolvers<PeriodFile[]>();
  const read = async (): Promise<PeriodReading> => {
    const { signal } = new AbortController();
    const arriving = (async function* () {
      yield* await fetched.promise;
    })();
    return await reader.read({ billingPeriod, files: arriving, takenAccounts: 'all', workDirectory: directory, signal, onProgress: () => undefined });
  };
  const begun = readerStarted ? read() : null;
  if (begun !== null) await Promise.race([begun, delay(READER_STARTS_MS)]);
  let reading: PeriodReading | null = null;
  return {
    async run() {
      fetched.resolve(files);
      reading = await (begun ?? read());
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
