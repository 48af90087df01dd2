import { finishOperation, insertOperation, markOperationRunning } from '../../db/operations/operation-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { BillingImport } from '../../domain/billing/billing-import.ts';
import { NOTHING_PRESENT, progressOf } from '../../domain/billing/import-progress.ts';
import type { CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import type { Discovery, DiscoveryCounts, EndedDiscovery } from '../../domain/data-sources/discovery.ts';
import { DATA_SOURCE } from '../../workflows/data-sources/messages.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';

/** Keeps the operations of a data source's imports in step with them, in the same transaction. */
export async function followImports(tx: Transaction, before: DataSource, after: DataSource): Promise<void> {
  const known = new Map([before.running, before.waiting].flatMap((one) => (one === null ? [] : [[one.id, one]])));
  for (const one of [...after.ended, after.running, after.waiting]) {
    if (one === null) continue;
    const old = known.get(one.id);
    if (old === undefined) await insertImportOperation(tx, one);
    if (old?.state !== one.state) await followState(tx, one);
  }
}

/** The operation that a new import answers with. */
export async function insertImportOperation(tx: Transaction, one: BillingImport): Promise<void> {
  await insertOperation(tx, {
    id: one.operationId,
    organizationId: one.organizationId,
    kind: 'import-bill',
    subjectId: one.id,
    workflowId: entityWorkflowId(DATA_SOURCE, one.dataSourceId),
    createdAt: one.createdAt,
  });
}

async function followState(tx: Transaction, one: BillingImport): Promise<void> {
  if (one.state === 'scheduled') return;
  const at = one.finishedAt ?? one.startedAt ?? one.createdAt;
  if (one.state === 'running') return await markOperationRunning(tx, one.organizationId, one.operationId, at);
  const result = one.state === 'completed' ? { import_id: one.id, data_source_id: one.dataSourceId } : null;
  await finishOperation(tx, one.organizationId, one.operationId, { state: one.state, result, error: one.error, progress: { ...progressOf(one, NOTHING_PRESENT) } }, at);
}

/** Ends the operation of a credential check with it. */
export async function followCheck(tx: Transaction, before: CredentialCheck, after: CredentialCheck): Promise<void> {
  if (before.state === after.state) return;
  const succeeded = after.state === 'succeeded';
  await finishOperation(
    tx,
    after.organizationId,
    after.operationId,
    {
      state: succeeded ? 'completed' : 'failed',
      result: succeeded ? { [after.request.subject === 'calendar' ? 'calendar_id' : 'data_source_id']: after.dataSourceId } : null,
      error: after.error,
    },
    after.lastAt,
  );
}

/** Keeps the operations of a data source's discoveries in step with them, in the same transaction. */
export async function followDiscoveries(tx: Transaction, before: DataSource, after: DataSource): Promise<void> {
  const known = new Set([before.discovery.current, before.discovery.next].map((one) => one?.operationId));
  for (const one of [after.discovery.current, after.discovery.next]) {
    if (one?.operationId !== undefined && one.operationId !== null && !known.has(one.operationId)) await insertDiscoveryOperation(tx, after, one);
  }
  for (const one of after.discovery.ended) await finishDiscoveryOperation(tx, after, one);
}

async function insertDiscoveryOperation(tx: Transaction, { id, organizationId, lastAt }: DataSource, { operationId }: Discovery): Promise<void> {
  if (operationId === null) return;
  await insertOperation(tx, {
    id: operationId,
    organizationId,
    kind: 'discover-resources',
    subjectId: id,
    workflowId: entityWorkflowId(DATA_SOURCE, id),
    createdAt: lastAt,
  });
}

async function finishDiscoveryOperation(tx: Transaction, { id, organizationId }: DataSource, ended: EndedDiscovery): Promise<void> {
  if (ended.operationId === null) return;
  const { state, counts, error } = ended;
  const found = counts === null ? null : discoveryProgress(counts);
  const finish = {
    state,
    result: state === 'completed' ? { data_source_id: id, ...found, incomplete: error } : null,
    error: state === 'failed' ? error : null,
    ...(found !== null && { progress: found }),
  };
  await finishOperation(tx, organizationId, ended.operationId, finish, ended.finishedAt);
}

/** Counts of a discovery as its operation shows them. */
export function discoveryProgress(counts: DiscoveryCounts): Record<string, number> {
  return {
    scopes_listed: counts.scopesListed,
    scopes_failed: counts.scopesFailed,
    instances: counts.seen,
    added: counts.added,
    changed: counts.changed,
    gone: counts.gone,
  };
}
