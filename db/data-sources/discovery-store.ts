import type { Discovery } from '../../domain/data-sources/discovery.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { markOperationRunning } from '../operations/operation-store.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/**
 * A new fencing number for an attempt of the data source's discovery, or null when that is not the
 * one to do any more: then the attempt must drop out. No ledger, no wake-up.
 */
export async function takeDiscoveryFence(
  tx: Transaction,
  organizationId: string,
  dataSourceId: string,
  discoveryId: string,
  at: Instant,
): Promise<{ fence: number; operationId: string | null } | null> {
  const key = { organization_id: organizationId, id: dataSourceId };
  const row = await tx('data_sources').where(key).forUpdate().first<Row | undefined>('fence', 'discovery_current');
  const current = (row?.discovery_current ?? null) as Discovery | null;
  if (row === undefined || current === null || current.id !== discoveryId) return null;
  const fence = (row.fence as number) + 1;
  const taken: Discovery = { ...current, fence, attempts: current.attempts + 1, startedAt: current.startedAt ?? at };
  await tx('data_sources').where(key).update({ fence, discovery_current: JSON.stringify(taken), last_discovery_attempt_at: at });
  if (taken.operationId !== null) await markOperationRunning(tx, organizationId, taken.operationId, at);
  return { fence, operationId: taken.operationId };
}

/** Whether this attempt is still the one that may write. `lock` holds the data source's row until the transaction ends. */
export async function holdsDiscoveryFence(
  db: Database | Transaction,
  organizationId: string,
  dataSourceId: string,
  held: { discoveryId: string; fence: number },
  lock: boolean,
): Promise<boolean> {
  const query = db('data_sources').where({ organization_id: organizationId, id: dataSourceId });
  if (lock) void query.forUpdate();
  const row = await query.first<Row | undefined>('discovery_current');
  const current = (row?.discovery_current ?? null) as Discovery | null;
  return current !== null && current.id === held.discoveryId && current.fence === held.fence;
}

/** How the last look at a scope went, for one type of resource. */
export interface DiscoveryScope {
  resourceType: string;
  scope: string;
  status: 'listed' | 'failed';
  error: ErrorRecord | null;
  /** How many are known of it and not gone. */
  resources: number;
  lastAttemptAt: Instant;
  lastSuccessAt: Instant | null;
}

/** Records how a look at a scope went. A failed one keeps the count and the last success of before. */
export async function saveScope(
  tx: Transaction,
  organizationId: string,
  dataSourceId: string,
  scope: { resourceType: string; scope: string; error: ErrorRecord | null; resources: number; at: Instant },
): Promise<void> {
  const { error, at } = scope;
  await tx.raw(
    `insert into discovery_scopes as s (organization_id, data_source_id, resource_type, scope, status, error, resources,
       last_attempt_at, last_success_at)
     values (:organizationId, :dataSourceId, :resourceType, :scope, :status, :error, :resources, :at, :successAt)
     on conflict (data_source_id, resource_type, scope) do update set status = excluded.status, error = excluded.error,
       resources = excluded.resources, last_attempt_at = excluded.last_attempt_at,
       last_success_at = coalesce(excluded.last_success_at, s.last_success_at)`,
    {
      organizationId,
      dataSourceId,
      resourceType: scope.resourceType,
      scope: scope.scope,
      status: error === null ? 'listed' : 'failed',
      error: error === null ? null : JSON.stringify(error),
      resources: scope.resources,
      at,
      successAt: error === null ? at : null,
    } as never,
  );
}

/** Scopes that the cloud named no more: those without resources are forgotten; the names of the others are answered. */
export async function forgetUnnamedScopes(
  tx: Transaction,
  organizationId: string,
  dataSourceId: string,
  named: { resourceType: string; scopes: readonly string[] },
): Promise<{ scope: string; resources: number }[]> {
  const unnamed = () =>
    tx('discovery_scopes')
      .where({ organization_id: organizationId, data_source_id: dataSourceId, resource_type: named.resourceType })
      .whereRaw('not (scope = any(?))', [named.scopes as string[]]);
  await unnamed().where('resources', 0).delete();
  return await unnamed().select<{ scope: string; resources: number }[]>('scope', 'resources').orderBy('scope');
}

/** Every scope of a data source, by type and name. */
export async function listScopes(db: Database, organizationId: string, dataSourceId: string): Promise<DiscoveryScope[]> {
  const rows = await db('discovery_scopes')
    .where({ organization_id: organizationId, data_source_id: dataSourceId })
    .orderBy(['resource_type', 'scope'])
    .select<Row[]>('*');
  return rows.map((row) => ({
    resourceType: row.resource_type as string,
    scope: row.scope as string,
    status: row.status as DiscoveryScope['status'],
    error: row.error as ErrorRecord | null,
    resources: row.resources as number,
    lastAttemptAt: row.last_attempt_at as string,
    lastSuccessAt: row.last_success_at as string | null,
  }));
}

export async function deleteScopes(tx: Transaction, organizationId: string, dataSourceId: string): Promise<void> {
  await tx('discovery_scopes').where({ organization_id: organizationId, data_source_id: dataSourceId }).delete();
}
