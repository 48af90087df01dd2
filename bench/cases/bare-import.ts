import { connect } from '../../db/shared/connection.ts';
import type { PeriodFile } from '../../domain/billing/ports.ts';
import { formatOfKey } from '../../domain/billing/export-layout.ts';
import { withWorkDirectory } from '../../activities/shared/spool.ts';
import { discoverPeriods } from '../../providers/aws/billing/discover-periods.ts';
import { createPeriodReader } from '../../providers/aws/billing/period-reader.ts';
import { createDirectoryExportObjects } from '../../providers/local/directory-export-objects.ts';
import { memoryLimitMb, rawStoreOf } from '../../workers/dependencies.ts';
import type { Prepare } from '../case.ts';
import { benchConfig } from './config.ts';
import type { Place } from './config.ts';
import { mergeReading, storedSums } from './merge.ts';
import { createTenant, directoryExport, TENANT } from './tenant.ts';

/** The import's steps one after the other in one process: discover, keep the bytes, read, look at the manifest again, merge. */
export const prepare: Prepare<Place> = async (place) => {
  const config = benchConfig(place);
  const db = connect(config.databaseUrl, { poolMax: 4, applicationName: 'orrery-bench' });
  await createTenant(db);
  const { path, prefix, name } = directoryExport(place.exportDirectory);
  const objects = createDirectoryExportObjects({ path: path ?? '', allowedRoots: config.importRoots });
  const store = rawStoreOf(config);
  const reader = createPeriodReader({ memoryLimitMb: memoryLimitMb(config.duckdbMemory) });
  const { signal } = new AbortController();

  async function importPeriods(): Promise<void> {
    for (const period of await discoverPeriods(objects, { prefix, name })) {
      const files: PeriodFile[] = [];
      for (const [position, { key, etag }] of period.objects.entries()) {
        const format = formatOfKey(key);
        if (format === null) throw new Error(`${key} has no known format`);
        const { sha256 } = await store.put(TENANT.organizationId, await objects.open(key, etag, signal), signal);
        const { path, verified } = await store.openFile(TENANT.organizationId, sha256, signal);
        await verified;
        files.push({ position, key, format, path });
      }
      await withWorkDirectory(config.spoolDirectory, async (workDirectory) => {
        const { billingPeriod } = period;
        const reading = await reader.read({ billingPeriod, files, takenAccounts: 'all', workDirectory, signal, onProgress: () => undefined });
        if (period.manifest !== null) await objects.head(period.manifest.key);
        await mergeReading(db, billingPeriod, reading);
      });
    }
  }

  return {
    run: importPeriods,
    async finish() {
      const sums = await storedSums(db);
      await db.destroy();
      return { sums };
    },
  };
};
