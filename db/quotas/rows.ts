import { plainAmount, QUOTA_KINDS, type ExactAmounts, type QuotaAmounts, type QuotaKind } from '../../domain/quotas/amounts.ts';
import type { Allocation, AllocationState, ReleaseReason } from '../../domain/quotas/allocation.ts';
import type { ProjectQuota } from '../../domain/quotas/grant.ts';
import type { PlannedGrant } from '../../domain/quotas/plan.ts';
import type { Instant } from '../../domain/shared/time.ts';

export type Row = Record<string, unknown>;

/** Exact amounts from columns `<prefix>gpu`, `<prefix>cpu`, `<prefix>ram_gib`; NUMERIC comes as text with all its zeros. */
export function exactAmounts(row: Row, prefix = ''): ExactAmounts {
  const amount = (kind: QuotaKind) => plainAmount(row[prefix + kind] as string);
  return { gpu: amount('gpu'), cpu: amount('cpu'), ram_gib: amount('ram_gib') };
}

/** Amounts of which any may be unlimited. */
export function limits(row: Row): Record<QuotaKind, string | null> {
  const amount = (kind: QuotaKind) => (row[kind] === null ? null : plainAmount(row[kind] as string));
  return { gpu: amount('gpu'), cpu: amount('cpu'), ram_gib: amount('ram_gib') };
}

export function toGrant(row: Row): PlannedGrant {
  return {
    projectId: row.project_id as string,
    amounts: limits(row) as QuotaAmounts,
    since: row.since as Instant,
    until: row.until as Instant,
    releasedAt: row.released_at as Instant | null,
  };
}

export function toQuota(row: Row): ProjectQuota {
  return {
    ...toGrant(row),
    organizationId: row.organization_id as string,
    held: exactAmounts(row, 'held_'),
    used: exactAmounts(row, 'used_'),
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
  };
}

export function toAllocation(row: Row): Allocation {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    projectId: row.project_id as string,
    owner: { kind: row.owner_kind as string, id: row.owner_id as string },
    userId: row.user_id as string,
    state: row.state as AllocationState,
    amounts: exactAmounts(row),
    expiresAt: row.expires_at as Instant | null,
    releasedAt: row.released_at as Instant | null,
    releaseReason: row.release_reason as ReleaseReason | null,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
  };
}

/** `held_gpu = held_gpu + :held_gpu` for the sums of a quota's row. */
export const ADD_TO_SUMS = ['held', 'used'].flatMap((sum) => QUOTA_KINDS.map((kind) => `${sum}_${kind} = ${sum}_${kind} + cast(:${sum}_${kind} as numeric)`)).join(', ');
