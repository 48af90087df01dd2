import { setTimeout as delay } from 'node:timers/promises';
import { recordDataSourcePurged } from '../../commands/data-sources/record-import.ts';
import { listPeriods } from '../../db/billing/billing-period-store.ts';
import { purgeStep } from '../../db/billing/purge-period.ts';
import { lockRawObjects, referencedObjects } from '../../db/billing/raw-object-store.ts';
import { getDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { PurgeAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity, longAttempt, type LongAttempt } from '../shared/attempt.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import { generationDocument } from './import-period.ts';

/** Rows deleted in one transaction: short enough that nobody waits for it. */
const ROWS_PER_STEP = 5_000;

/** What an attempt leaves for the next one: raw objects that the deleted periods named. */
interface PurgeCheckpoint {
  objects: string[];
  documents: string[];
}

/** Deletes costs, raw objects and credentials of a data source in bounded steps; the ledger stays. Repeating it is harmless. */
export async function purgeDataSource(deps: DataSourceActivityDependencies, ref: EntityRef, act: PurgeAct): Promise<void> {
  await longAttempt<PurgeCheckpoint, void>(async (attempt) => {
    const source = await getDataSource(deps.db, ref.organizationId, ref.id);
    if (source === null || source.state !== 'deleting') return;
    const named = await namedObjects(deps, ref, attempt);
    while (!(await inTransaction(deps.db, (tx) => purgeStep(tx, ref.organizationId, ref.id, ROWS_PER_STEP)))) {
      attempt.signal.throwIfAborted();
      await delay(0);
    }
    await removeUnreferenced(deps, ref, named);
    const decision = { at: deps.clock.now(), by: actingActivity('purge'), outcomeKey: act.key };
    await inTransaction(deps.db, (tx) => recordDataSourcePurged(tx, ref, decision));
  });
}

/** What the raw store holds for the data source: told by its periods, which go first, so it is kept as a checkpoint. */
async function namedObjects(
  deps: DataSourceActivityDependencies,
  ref: EntityRef,
  attempt: LongAttempt<PurgeCheckpoint>,
): Promise<PurgeCheckpoint> {
  const periods = await listPeriods(deps.db, ref.organizationId, ref.id);
  const objects = new Set(attempt.checkpoint?.objects);
  const documents = new Set(attempt.checkpoint?.documents);
  for (const { billingPeriod, importId, objects: held } of periods) {
    documents.add(generationDocument(ref.id, { billingPeriod, importId }));
    for (const object of held) objects.add(object.sha256);
  }
  const checkpoint = { objects: [...objects], documents: [...documents] };
  attempt.save(checkpoint);
  return checkpoint;
}

/** Another data source of the organization may hold the same bytes; the lock keeps one from taking them up meanwhile. */
async function removeUnreferenced(deps: DataSourceActivityDependencies, ref: EntityRef, named: PurgeCheckpoint): Promise<void> {
  await inTransaction(deps.db, async (tx) => {
    await lockRawObjects(tx, ref.organizationId);
    const kept = await referencedObjects(tx, ref.organizationId, named.objects);
    for (const sha256 of named.objects) if (!kept.has(sha256)) await deps.rawStore.remove(ref.organizationId, sha256);
  });
  for (const document of named.documents) await deps.rawStore.removeDocument(ref.organizationId, document);
}
