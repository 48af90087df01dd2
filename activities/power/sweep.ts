import { sweepClaims } from '../../commands/power/change-claims.ts';
import { sweepSchedules } from '../../commands/power-schedules/sweep-schedules.ts';
import { nextClaimEdge } from '../../db/power/power-state-store.ts';
import { nextScheduleDue } from '../../db/power-schedules/schedule-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { Swept } from '../../workflows/power/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';
import type { PowerActivityDependencies } from './dependencies.ts';

/** Transactions beside each other: while one waits for its commit another computes. */
const BESIDE = 2;

/** Takes everything due by `at` off the due-table, the longest due first. See the interface for what it guarantees. */
export async function sweepPower(deps: Pick<PowerActivityDependencies, 'db' | 'clock'>, at: Instant): Promise<Swept> {
  return await longAttempt(async ({ signal }) => {
    const now = laterOf(at, deps.clock.now());
    const by = actingActivity('power sweep');
    const drain = async (take: (tx: Transaction) => Promise<number>): Promise<number> => {
      let taken = 0;
      for (let more = 1; more > 0; taken += more) {
        signal.throwIfAborted();
        more = await inTransaction(deps.db, take);
      }
      return taken;
    };
    const fired = await beside(() => drain((tx) => sweepSchedules(tx, now, by)));
    const edges = await beside(() => drain((tx) => sweepClaims(tx, now, by)));
    return { fired, edges, nextDueAt: earlierOf(await nextScheduleDue(deps.db), await nextClaimEdge(deps.db)) };
  });
}

async function beside(work: () => Promise<number>): Promise<number> {
  const taken = await Promise.all(Array.from({ length: BESIDE }, work));
  return taken.reduce((sum, one) => sum + one, 0);
}

function earlierOf(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}
