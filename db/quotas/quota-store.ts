import type { ProjectQuota } from '../../domain/quotas/grant.ts';
import type { PlannedGrant } from '../../domain/quotas/plan.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { toGrant, toQuota, type Row } from './rows.ts';

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
