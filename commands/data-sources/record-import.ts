import type { Transaction } from '../../db/shared/connection.ts';
import type { ImportPeriod } from '../../domain/billing/billing-import.ts';
import {
  failImport,
  recordPeriod,
  recordPlan,
  recordPurged,
} from '../../domain/data-sources/data-source.ts';
import { deleteCredentials } from '../../db/data-sources/credentials-store.ts';
import { holdsImportFence } from '../../db/data-sources/import-store.ts';
import { DomainError, type ErrorRecord } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { dataSourceEntity } from './data-source-entity.ts';

/** What an attempt is told when another has taken its place, or the import was cancelled. */
export function fencedOut(importId: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'billing.fenced-out',
    message: `Import ${importId} is no longer this attempt's: it was cancelled, has ended, or a newer attempt runs.`,
  });
}

/** Refuses with `billing.fenced-out` unless the fence is still held. Call it with the data source's row locked. */
export async function requireImportFence(tx: Transaction, ref: EntityRef, importId: string, fence: number): Promise<void> {
  if (!(await holdsImportFence(tx, ref.organizationId, importId, fence))) throw fencedOut(importId);
}

export async function recordImportPlan(
  tx: Transaction,
  ref: EntityRef,
  importId: string,
  periods: ImportPeriod[],
  decision: Decision,
): Promise<void> {
  await decide(tx, dataSourceEntity, ref, decision, (source) => recordPlan(source, importId, periods));
}

export async function recordImportPeriod(
  tx: Transaction,
  ref: EntityRef,
  importId: string,
  period: ImportPeriod,
  decision: Decision,
): Promise<void> {
  await decide(tx, dataSourceEntity, ref, decision, (source) => recordPeriod(source, importId, period));
}

/** The import cannot go on: it is failed with the reason, and the numbers of before stay. */
export async function recordImportFailure(
  tx: Transaction,
  ref: EntityRef,
  importId: string,
  error: ErrorRecord,
  decision: Decision,
): Promise<void> {
  await decide(tx, dataSourceEntity, ref, decision, (source, at) => failImport(source, importId, error, at));
}

/** Everything of the data source is purged: its credentials go with the last step. */
export async function recordDataSourcePurged(tx: Transaction, ref: EntityRef, decision: Decision): Promise<void> {
  await deleteCredentials(tx, ref.organizationId, ref.id);
  await decide(tx, dataSourceEntity, ref, decision, (source) => recordPurged(source));
}
