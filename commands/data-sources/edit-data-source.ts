import { rootsTakingConnected } from '../../db/data-sources/data-source-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import {
  beginDeletion,
  cancelImport as cancel,
  edit,
  isLeaving,
  requestImport as requested,
  type DataSource,
  type DataSourceEdit,
} from '../../domain/data-sources/data-source.ts';
import { unchanged, type Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { dataSourceEntity } from './data-source-entity.ts';
import { nameTaken } from './refusals.ts';
import { requestImport } from './request-import.ts';

/**
 * Changes name, interval, taken accounts, or pauses and resumes. Which accounts are taken decides what is imported, so
 * that re-imports. Throws `data-sources.name-taken` when another data source of the organization has the name.
 */
export async function editDataSource(tx: Transaction, ref: EntityRef, changes: DataSourceEdit, decision: Decision): Promise<DataSource> {
  let reimport = false;
  const edited = await decide(tx, dataSourceEntity, ref, decision, (source) => {
    reimport = source.kind === 'root' && changes.linkedAccounts !== undefined && changes.linkedAccounts !== source.linkedAccounts;
    return edit(source, changes);
  }).catch((error: unknown) => {
    if (violatedConstraint(error) === 'data_sources_name_once') throw nameTaken();
    throw error;
  });
  if (reimport) await requestImport(tx, ref, { cause: 'request', months: [], at: decision.at, by: decision.by });
  return edited;
}

/** Begins deletion. The Schedules go at once; data and credentials are purged by the workflow; the ledger stays. */
export async function deleteDataSource(tx: Transaction, ref: EntityRef, decision: Decision): Promise<DataSource> {
  const deleted = await decide(tx, dataSourceEntity, ref, decision, (source) => beginDeletion(source));
  if (deleted.cloud === 'aws') await reimportRootsTakingConnected(tx, ref.organizationId, decision);
  return deleted;
}

/** Cancels an import, waiting or running. One that has ended stays as it is. */
export async function cancelImport(tx: Transaction, ref: EntityRef, importId: string, decision: Decision): Promise<DataSource> {
  return await decide(tx, dataSourceEntity, ref, decision, (source, at) => cancel(source, importId, at));
}

/**
 * Roots that take only connected accounts import anew when the set of connected accounts changed. Rows are locked in id
 * order. One that began to be deleted since the list was read has nothing to import.
 */
export async function reimportRootsTakingConnected(
  tx: Transaction,
  organizationId: string,
  { at, by }: { at: Instant; by: Actor },
): Promise<void> {
  for (const id of await rootsTakingConnected(tx, organizationId)) {
    const ids = { id: newId('billing-import'), operationId: newId('operation') };
    await decide(tx, dataSourceEntity, { organizationId, id }, { at, by }, (source, at) =>
      isLeaving(source)
        ? unchanged(source)
        : requested(source, { ...ids, cause: 'request', automatic: true, requestedMonths: [] }, at).settled,
    );
  }
}
