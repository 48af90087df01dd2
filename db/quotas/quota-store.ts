import type { ExactAmounts } from '../../domain/quotas/amounts.ts';
import type { ProjectQuota } from '../../domain/quotas/grant.ts';
import type { PlannedGrant } from '../../domain/quotas/plan.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { exactAmounts, toGrant, toQuota, type Row } from './rows.ts';

/** Reads and locks a project's quota until the transaction ends; null when it was granted none. */
export async function lockQuota(tx: Transaction, organizationId: string, projectId: string): Promise<ProjectQuota | null> {
  const row = await tx('project_quotas').where({ organization_id: organizationId, project_id: projectId }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toQuota(row);
}

/** Every grant of the organization that counts, by its beginning. Its capacity must be locked to decide on them. */
export async function unreleasedGrants(db: Database | Transaction, organizationId: string): Promise<PlannedGrant[]> {
  const rows = await db('project_quotas')
    .where('organization_id', organizationId)
    .whereNull('released_at')
    .orderBy([{ column: 'since' }, { column: 'project_id' }])
    .select<Row[]>('project_id', 'gpu', 'cpu', 'ram_gib', 'since', 'until', 'released_at');
  return rows.map(toGrant);
}

/** Projects whose grant was to be over when this one was to begin, and still counts. */
export async function overranBefore(tx: Transaction, { organizationId, since }: Pick<ProjectQuota, 'organizationId' | 'since'>): Promise<string[]> {
  return await tx('project_quotas')
    .where('organization_id', organizationId)
    .whereNull('released_at')
    .where('since', '<', since)
    .where('until', '<=', since)
    .orderBy([{ column: 'since' }, { column: 'project_id' }])
    .pluck<string[]>('project_id');
}

/** What is granted of each kind to all that were to begin before this one, or at the same time with a smaller id, and count. */
export async function grantedBefore(tx: Transaction, { organizationId, projectId, since }: Pick<ProjectQuota, 'organizationId' | 'projectId' | 'since'>): Promise<ExactAmounts> {
  const result = await tx.raw<{ rows: [Row] }>(
    `select coalesce(sum(gpu), 0) as gpu, coalesce(sum(cpu), 0) as cpu, coalesce(sum(ram_gib), 0) as ram_gib
     from project_quotas where organization_id = ? and released_at is null and (since, project_id) < (cast(? as timestamptz), ?)`,
    [organizationId, since, projectId],
  );
  return exactAmounts(result.rows[0]);
}

export async function insertQuota(tx: Transaction, quota: ProjectQuota): Promise<void> {
  await tx('project_quotas').insert({
    organization_id: quota.organizationId,
    project_id: quota.projectId,
    ...terms(quota),
    created_at: quota.createdAt,
  });
}

/** Writes the terms of a locked quota; its sums are moved with allocations alone. */
export async function saveQuota(tx: Transaction, quota: ProjectQuota): Promise<void> {
  await tx('project_quotas').where({ organization_id: quota.organizationId, project_id: quota.projectId }).update(terms(quota));
}

function terms({ amounts, since, until, releasedAt, version, lastAt }: ProjectQuota): Record<string, unknown> {
  return { ...amounts, since, until, released_at: releasedAt, version, last_at: lastAt };
}
