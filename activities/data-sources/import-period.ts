import { newId } from '../../commands/shared/new-id.ts';
import { recordImportPeriod, requireImportFence } from '../../commands/data-sources/record-import.ts';
import type { BillObject, BillSource } from '../../db/billing/billing-period-store.ts';
import { recordImportedPeriod } from '../../db/billing/import-period-store.ts';
import { lockRawObjects } from '../../db/billing/raw-object-store.ts';
import { replacePeriod } from '../../db/billing/replace-period.ts';
import { getDataSource, lockDataSource } from '../../db/data-sources/data-source-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { ImportPeriod } from '../../domain/billing/billing-import.ts';
import type { DiscoveredPeriod, LocalFile, PeriodFile, PeriodReading } from '../../domain/billing/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { ImportPeriodAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity } from '../shared/attempt.ts';
import { NOTHING_TO_DO } from '../shared/fenced-attempt.ts';
import { withWorkDirectory } from '../shared/spool.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import { importAttempt, type ImportAttempt } from './import-attempt.ts';
import { startProgress, type ProgressWriter } from './import-progress.ts';
import { openExport, type OpenExport } from './open-export.ts';
import { refuseMovedManifest, spoolObjects, type SpoolCheckpoint } from './spool-objects.ts';

/**
 * Reads one month of an export and puts it in place of its previous generation: spool the objects
 * verbatim, read them, make sure that the manifest has not moved, then one transaction. A process
 * killed before that transaction leaves at most raw objects, which the next attempt uses; killed
 * after it, the act's outcome is recorded and the month is not read again.
 */
export async function importPeriod(deps: DataSourceActivityDependencies, ref: EntityRef, act: ImportPeriodAct): Promise<string> {
  return await importAttempt<SpoolCheckpoint>(deps, ref, act.importId, async (attempt) => {
    const { running } = (await getDataSource(deps.db, ref.organizationId, ref.id)) ?? { running: null };
    const planned = running?.periods?.find((period) => period.billingPeriod === act.billingPeriod);
    if (running === null || running.id !== act.importId || planned?.state !== 'pending') return NOTHING_TO_DO;
    const progress = startProgress(deps, running, attempt);
    try {
      const opened = await openExport(deps, ref);
      const period = await discoveredPeriod(deps, opened, act);
      return await readAndReplace(deps, { ref, act, attempt, progress, opened, period, planned });
    } finally {
      await progress.stop();
    }
  });
}

interface PeriodWork {
  ref: EntityRef;
  act: ImportPeriodAct;
  attempt: ImportAttempt<SpoolCheckpoint>;
  progress: ProgressWriter;
  opened: OpenExport;
  period: DiscoveredPeriod;
  planned: ImportPeriod;
}

async function discoveredPeriod(
  deps: DataSourceActivityDependencies,
  opened: OpenExport,
  act: ImportPeriodAct,
): Promise<DiscoveredPeriod> {
  const discovered = await deps.discoverPeriods(opened.objects, opened.location);
  const period = discovered.find((one) => one.billingPeriod === act.billingPeriod);
  if (period === undefined) {
    throw new DomainError({
      kind: 'not-found',
      code: 'billing.period-vanished',
      message:
        `The export no longer holds ${act.billingPeriod.slice(0, 7)}, which it held when the import looked at it. ` +
        `Import again to read what it holds now.`,
    });
  }
  if (period.problem !== undefined && period.problem !== null) throw new DomainError(period.problem);
  return period;
}

async function readAndReplace(deps: DataSourceActivityDependencies, work: PeriodWork): Promise<string> {
  return await withWorkDirectory(deps.spoolDirectory, async (workDirectory) => {
    const { reading, objects } = await readObjects(deps, work, workDirectory);
    await refuseMovedManifest(work.opened.objects, work.period);
    return await replace(deps, work, objects, reading);
  });
}

/** Reads the objects as they come: the reader starts while the first is fetched, and they are verified while it reads. */
async function readObjects(
  deps: DataSourceActivityDependencies,
  work: PeriodWork,
  workDirectory: string,
): Promise<{ reading: PeriodReading; objects: BillObject[] }> {
  const { ref, attempt, progress, opened, period } = work;
  const objects: BillObject[] = [];
  const open: LocalFile[] = [];
  async function* files(): AsyncGenerator<PeriodFile, void> {
    for await (const object of spooled(deps, work)) {
      const file = await deps.rawStore.openFile(ref.organizationId, object.sha256, attempt.signal);
      open.push(file);
      yield { position: objects.push(object) - 1, key: object.key, format: object.format, path: file.path };
    }
  }
  const verified = async (): Promise<void> => void (await Promise.all(open.map((file) => file.verified)));
  try {
    const reading = await deps.reader.read({
      billingPeriod: period.billingPeriod,
      files: files(),
      takenAccounts: opened.takenAccounts,
      workDirectory,
      signal: attempt.signal,
      onProgress: ({ filesDone, rows }) => progress.report({ filesDone, rows }),
    });
    await verified();
    return { reading, objects };
  } catch (error) {
    // Damaged bytes explain whatever reading made of them.
    await verified();
    throw error;
  } finally {
    for (const file of open) await file.release();
  }
}

function spooled(deps: DataSourceActivityDependencies, { ref, attempt, progress, opened, period }: PeriodWork): AsyncGenerator<BillObject, void> {
  let bytes = 0;
  return spoolObjects(deps, {
    ref,
    objects: opened.objects,
    period,
    checkpoint: attempt.checkpoint,
    signal: attempt.signal,
    save: attempt.save,
    onStored: (size) => {
      bytes += size;
      progress.report({ bytes });
    },
  });
}

async function replace(
  deps: DataSourceActivityDependencies,
  { ref, act, attempt, opened, period, planned }: PeriodWork,
  objects: BillObject[],
  reading: PeriodReading,
): Promise<string> {
  const source: BillSource = {
    dialect: period.dialect,
    completeness: period.completeness,
    manifest: period.manifest === null ? null : withoutText(period.manifest),
    objects,
    takenAccounts: opened.takenAccounts,
  };
  const by = actingActivity('import');
  const document = JSON.stringify({ billingPeriod: period.billingPeriod, ...source, manifestText: period.manifest?.text ?? null });
  // Written first and under the import's own name: a generation in the database always has its document.
  await deps.rawStore.putDocument(ref.organizationId, generationDocument(ref.id, act), document);
  return await inTransaction(deps.db, async (tx) => {
    const at = deps.clock.now();
    await lockDataSource(tx, ref.organizationId, ref.id);
    await requireImportFence(tx, ref, act.importId, attempt.fence);
    await refuseRemovedObjects(deps, tx, ref, objects);
    const differences = await replacePeriod(tx, {
      organizationId: ref.organizationId,
      cloud: opened.source.cloud,
      dataSourceId: ref.id,
      importId: act.importId,
      billingPeriod: act.billingPeriod,
      generationId: act.importId,
      reading,
      source,
      at,
      newResourceIds: (count) => Array.from({ length: count }, () => newId('resource')),
    });
    const record = { organizationId: ref.organizationId, importId: act.importId, billingPeriod: act.billingPeriod };
    await recordImportedPeriod(tx, { ...record, source, files: reading.files, differences, at });
    const state = differences.outcome;
    const rows = reading.files.reduce((sum, file) => sum + file.rows, 0);
    await recordImportPeriod(tx, ref, act.importId, { ...planned, state, rows, read: true }, { at, by, outcomeKey: act.key });
    return `${state}: ${rows} rows of ${objects.length} ${objects.length === 1 ? 'file' : 'files'}`;
  });
}

/** A purge may have removed bytes that this attempt found in the store; the next attempt fetches them again. */
async function refuseRemovedObjects(
  deps: DataSourceActivityDependencies,
  tx: Transaction,
  ref: EntityRef,
  objects: BillObject[],
): Promise<void> {
  await lockRawObjects(tx, ref.organizationId);
  for (const { key, sha256 } of objects) {
    if (await deps.rawStore.has(ref.organizationId, sha256)) continue;
    throw new DomainError({
      kind: 'unavailable',
      code: 'billing.raw-object-missing',
      message: `The stored copy of ${key} was removed while it was being read. The import fetches it again.`,
      details: { file: key },
    });
  }
}

function withoutText({ key, etag, version, exportIdentity }: NonNullable<DiscoveredPeriod['manifest']>): BillSource['manifest'] {
  return { key, etag, version, exportIdentity };
}

/** Name of the document that says what a generation was made of. */
export function generationDocument(dataSourceId: string, act: Pick<ImportPeriodAct, 'importId' | 'billingPeriod'>): string {
  return `generations/${dataSourceId}/${act.billingPeriod}/${act.importId}.json`;
}
