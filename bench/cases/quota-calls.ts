import { newId } from '../../commands/shared/new-id.ts';
import { holdQuota } from '../../commands/quotas/port.ts';
import { holdAllocation } from '../../db/quotas/allocation-store.ts';
import { OWNER_KINDS } from '../../db/quotas/owner-kinds.ts';
import { connect, type Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { ActiveMember } from '../../domain/projects/active-member.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Prepare } from '../case.ts';
import { median } from '../report.ts';

/** The owners that the product's command asks for; `quota.ts` fills the table. */
export const OWNERS = { kind: 'bench-job', table: 'bench_jobs', at: '2026-11-21T08:00:00.000Z', expiresAt: '2026-11-22T08:00:00.000Z' } as const;

export interface QuotaCallsInput {
  databaseUrl: string;
  organizationId: string;
  projectId: string;
  userId: string;
  /** What each transaction does: an UPDATE of the row and nothing else; the store's hold; or the whole command, with owner and ledger. */
  call: 'update' | 'store' | 'command';
  calls: number;
  warmUp: number;
}

const AMOUNTS = { gpu: '0.000625', cpu: '0.001', ram_gib: '0' } as const;

/** One transaction after another over one connection, all on the quota of one project. */
export const prepare: Prepare<QuotaCallsInput> = async (input) => {
  const { organizationId, projectId, userId } = input;
  const db = connect(input.databaseUrl, { poolMax: 1, applicationName: 'orrery-bench-quota' });
  OWNER_KINDS.set(OWNERS.kind, { table: OWNERS.table, ended: 'o.ended' });
  let made = 0;
  const hold = (number: number) => ({ organizationId, projectId, userId, owner: { kind: OWNERS.kind, id: `job-${number}` }, amounts: AMOUNTS, expiresAt: OWNERS.expiresAt });
  const calls: Record<QuotaCallsInput['call'], (tx: Transaction, number: number) => Promise<unknown>> = {
    update: (tx) => tx.raw(`update project_quotas set held_gpu = held_gpu + cast(? as numeric), held_cpu = held_cpu + cast(? as numeric) where organization_id = ? and project_id = ?`, [AMOUNTS.gpu, AMOUNTS.cpu, organizationId, projectId]),
    store: (tx, number) => holdAllocation(tx, { ...hold(number), id: newId('quota-allocation') }, OWNERS.at),
    // Whether the person may use the project is not measured: it is asked where something is used, and once for all of it.
    command: (tx, number) => holdQuota(tx, { ...hold(number), member: { organizationId, projectId, userId } as ActiveMember }, { at: OWNERS.at, by: system('bench') }),
  };
  const once = async (): Promise<number> => {
    const number = made;
    made += 1;
    const began = performance.now();
    await inTransaction(db, (tx) => calls[input.call](tx, number));
    return performance.now() - began;
  };
  for (let number = 0; number < input.warmUp; number += 1) await once();
  const latenciesMs: number[] = [];
  return {
    async run() {
      for (let number = 0; number < input.calls; number += 1) latenciesMs.push(await once());
    },
    async finish() {
      const result = await db.raw<{ rows: [{ held: string; allocations: number }] }>(
        `select trim_scale(held_gpu)::text as held, (select count(*) from quota_allocations) as allocations from project_quotas where project_id = ?`,
        [projectId],
      );
      await db.destroy();
      return { p50Ms: median(latenciesMs), p99Ms: latenciesMs.toSorted((a, b) => a - b)[Math.ceil(latenciesMs.length * 0.99) - 1], ...result.rows[0] };
    },
  };
};
