import { leftOf, plus, type CapacityAmounts, type ExactAmounts, type QuotaAmounts } from '../../domain/quotas/amounts.ts';
import type { AllocationOwner } from '../../domain/quotas/allocation.ts';
import type { PlannedGrant } from '../../domain/quotas/plan.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { toAllocation, toGrant, toQuota, type Row } from './rows.ts';

/** What a project has of everything, and what is left of it. */
export interface QuotaView {
  projectId: string;
  quota: QuotaAmounts;
  used: ExactAmounts;
  held: ExactAmounts;
  /** Null for a kind without limit. */
  free: CapacityAmounts;
  since: Instant;
  /** Planned end and buffer, exclusive. */
  until: Instant;
  releasedAt: Instant | null;
  version: number;
  /** What holds or uses it, the oldest first; only what has not ended. */
  allocations: AllocationView[];
}

export interface AllocationView {
  id: string;
  owner: AllocationOwner;
  user: { id: string; displayName: string };
  state: 'held' | 'committed';
  amounts: ExactAmounts;
  /** Of a hold. */
  expiresAt: Instant | null;
  createdAt: Instant;
}

/** The quotas of projects, with who has what of them. A project that was granted none is left out. */
export async function quotaOfProjects(db: Database | Transaction, organizationId: string, projectIds: readonly string[]): Promise<Map<string, QuotaView>> {
  const quotas = await quotaSumsOfProjects(db, organizationId, projectIds);
  const rows = await db('quota_allocations as a')
    .join('users as u', 'u.id', 'a.user_id')
    .where('a.organization_id', organizationId)
    .whereIn('a.project_id', [...quotas.keys()])
    .whereNot('a.state', 'released')
    .orderBy([{ column: 'a.project_id' }, { column: 'a.id' }])
    .select<Row[]>('a.*', 'u.display_name');
  for (const row of rows) {
    const { id, projectId, owner, userId, state, amounts, expiresAt, createdAt } = toAllocation(row);
    if (state === 'released') continue;
    quotas.get(projectId)?.allocations.push({ id, owner, user: { id: userId, displayName: row.display_name as string }, state, amounts, expiresAt, createdAt });
  }
  return quotas;
}

/** `quotaOfProjects` for lists: sums alone, no allocations. */
export async function quotaSumsOfProjects(db: Database | Transaction, organizationId: string, projectIds: readonly string[]): Promise<Map<string, QuotaView>> {
  const rows = await db('project_quotas').where('organization_id', organizationId).whereIn('project_id', [...projectIds]).select<Row[]>('*');
  return new Map(
    rows.map((row) => {
      const { projectId, amounts: quota, used, held, since, until, releasedAt, version } = toQuota(row);
      return [projectId, { projectId, quota, used, held, free: leftOf(quota, plus(used, held)), since, until, releasedAt, version, allocations: [] }];
    }),
  );
}

/** The grants that take anything of a window, also those given back since, up to `limit`; by their beginning. */
export async function grantsWithin(db: Database, organizationId: string, window: { from: Instant; to: Instant }, limit: number): Promise<PlannedGrant[]> {
  const rows = await db('project_quotas')
    .where('organization_id', organizationId)
    .where('since', '<', window.to)
    .where((over) => void over.whereNull('released_at').orWhere('released_at', '>', window.from))
    .orderBy([{ column: 'since' }, { column: 'project_id' }])
    .limit(limit)
    .select<Row[]>('project_id', 'gpu', 'cpu', 'ram_gib', 'since', 'until', 'released_at');
  return rows.map(toGrant);
}
