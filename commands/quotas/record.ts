import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Allocation } from '../../domain/quotas/allocation.ts';
import type { Capacity } from '../../domain/quotas/capacity.ts';
import type { ProjectQuota } from '../../domain/quotas/grant.ts';
import type { Transition } from '../../domain/shared/entity.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/** Writes the steps of quotas into the ledger; routine ones are left out. */
async function record<E extends { organizationId: string }>(tx: Transaction, steps: readonly Transition<E>[], subjectOf: (row: E) => string, forLedger: (row: E) => unknown, { at, by }: Pick<Decision, 'at' | 'by'>): Promise<void> {
  const entries = steps
    .filter(({ routine }) => routine !== true)
    .map(({ action, before, after, dueAt }) => ({
      id: newId('ledger-entry'),
      organizationId: after.organizationId,
      at,
      dueAt,
      subject: subjectOf(after),
      action,
      by,
      before: before === null ? null : forLedger(before),
      after: forLedger(after),
    }));
  await recordLedgerEntries(tx, entries);
}

export async function recordCapacity(tx: Transaction, steps: readonly Transition<Capacity>[], decision: Pick<Decision, 'at' | 'by'>): Promise<void> {
  await record(tx, steps, ({ organizationId }) => organizationId, ({ amounts, prices }) => ({ ...amounts, prices }), decision);
}

export async function recordGrant(tx: Transaction, steps: readonly Transition<ProjectQuota>[], decision: Pick<Decision, 'at' | 'by'>): Promise<void> {
  await record(tx, steps, ({ projectId }) => projectId, ({ amounts, since, until, releasedAt }) => ({ ...amounts, since, until, released_at: releasedAt }), decision);
}

export async function recordAllocations(tx: Transaction, steps: readonly Transition<Allocation>[], decision: Pick<Decision, 'at' | 'by'>): Promise<void> {
  const forLedger = ({ projectId, owner, userId, state, amounts, expiresAt, releaseReason }: Allocation) => ({
    project_id: projectId, owner, user_id: userId, state, ...amounts, expires_at: expiresAt, release_reason: releaseReason,
  });
  await record(tx, steps, ({ id }) => id, forLedger, decision);
}
