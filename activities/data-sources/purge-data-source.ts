import { setTimeout as delay } from 'node:timers/promises';
import { purgeInstances } from '../../commands/data-sources/purge-instances.ts';
import { recordDataSourcePurged } from '../../commands/data-sources/record-import.ts';
import { purgeStep } from '../../db/billing/purge-period.ts';
import { forgetRawObjects, generationsBegun, lockRawObjects, notedRawObjects } from '../../db/billing/raw-object-store.ts';
import { getDataSource, lockDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { PurgeAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import { generationDocument } from './import-period.ts';

/** Rows deleted in one transaction: short enough that nobody waits for it. */
const ROWS_PER_STEP = 5_000;
/** Instances deleted in one transaction, with what refers to them. */
const INSTANCES_PER_STEP = 500;
/** Raw objects removed in one transaction, each by a call to the store; imports of the organization wait for it. */
const OBJECTS_PER_STEP = 50;

/**
 * Deletes instances, costs, raw objects (of every generation and attempt) and credentials of a data source in
 * bounded steps; the ledger and what its imports did stay. What is left to do is told by the rows,
 * so it may be stopped anywhere and repeated.
 */
export async function purgeDataSource(deps: DataSourceActivityDependencies, ref: EntityRef, act: PurgeAct): Promise<void> {
  await longAttempt<null, void>(async ({ signal }) => {
    const source = await getDataSource(deps.db, ref.organizationId, ref.id);
    if (source === null || source.state !== 'deleting') return;
    await untilDone(signal, () => inTransaction(deps.db, (tx) => purgeInstances(tx, ref, INSTANCES_PER_STEP)));
    await untilDone(signal, () =>
      inTransaction(deps.db, async (tx) => {
        await lockDataSource(tx, ref.organizationId, ref.id);
        return await purgeStep(tx, ref.organizationId, ref.id, ROWS_PER_STEP);
      }),
    );
    await untilDone(signal, () => removeSomeObjects(deps, ref));
    for (const begun of await generationsBegun(deps.db, ref.organizationId, ref.id)) {
      signal.throwIfAborted();
      await deps.rawStore.removeDocument(ref.organizationId, generationDocument(ref.id, begun));
    }
    const decision = { at: deps.clock.now(), by: actingActivity('purge'), outcomeKey: act.key };
    await inTransaction(deps.db, (tx) => recordDataSourcePurged(tx, ref, decision));
  });
}

async function untilDone(signal: AbortSignal, takeStep: () => Promise<boolean>): Promise<void> {
  while (!(await takeStep())) {
    signal.throwIfAborted();
    await delay(0);
  }
}

/** Another data source of the organization may use the same bytes; the lock keeps one from taking them up meanwhile. */
async function removeSomeObjects(deps: DataSourceActivityDependencies, ref: EntityRef): Promise<boolean> {
  return await inTransaction(deps.db, async (tx) => {
    await lockRawObjects(tx, ref.organizationId);
    const noted = await notedRawObjects(tx, ref.organizationId, ref.id, OBJECTS_PER_STEP);
    for (const { sha256, shared } of noted) if (!shared) await deps.rawStore.remove(ref.organizationId, sha256);
    await forgetRawObjects(tx, ref.organizationId, ref.id, noted.map((object) => object.sha256));
    return noted.length === 0;
  });
}
