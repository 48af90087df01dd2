import { startDatabases } from './database.ts';
import { benchMerging } from './import-merging.ts';
import { benchReading } from './import-reading.ts';
import { benchTemporal } from './import-temporal.ts';
import type { BenchOptions, Say } from './options.ts';
import type { Goal } from './report.ts';

/** `npm run bench -- import`: what the import costs beside the least that anyone could do. */
export async function benchImport(options: BenchOptions, say: Say): Promise<Goal[]> {
  const databases = await startDatabases(say);
  try {
    return [
      ...(await benchReading(databases, options, say)),
      ...(await benchTemporal(databases, options, say)),
      ...(await benchMerging(databases, options, say)),
    ];
  } finally {
    await databases.stop();
  }
}
