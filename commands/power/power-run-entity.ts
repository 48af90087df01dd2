import { finishOperation, markOperationRunning } from '../../db/operations/operation-store.ts';
import { insertRun, lockRun, saveRun } from '../../db/power/run-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { dueSlots, settleRun, type PowerRun } from '../../domain/power/power-run.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { POWER_RUN, type PowerRunAct } from '../../workflows/power/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';

/** The power run as an entity: see domain/power/power-run.ts for its rules. */
export const powerRunEntity: EntityDefinition<PowerRun, PowerRunAct> = {
  kind: POWER_RUN,
  workflowType: 'powerRun',
  table: 'power_runs',
  openCondition: `state = 'running'`,
  lock: lockRun,
  insert: async (tx, run) => {
    await insertRun(tx, run);
    if (run.operationId !== null) await markOperationRunning(tx, run.organizationId, run.operationId, run.lastAt);
  },
  async save(tx, before, after) {
    await saveRun(tx, after);
    if (before.state !== after.state) await followRun(tx, after);
  },
  settle: settleRun,
  acts,
  isDone: (run) => run.state !== 'running',
  describe,
  status: (run) => run.state,
  forLedger: ({ id, cause, state, counts, dueAt, createdAt, finishedAt }) => ({ id, cause, state, counts, dueAt, createdAt, finishedAt }),
};

function acts(run: PowerRun, at: Instant): PowerRunAct[] {
  if (run.state !== 'running') return [];
  return dueSlots(run, at).map(({ slot, open, nextAttemptAt }) => ({
    name: 'actuate',
    key: `${run.id}/actuate/${slot}/${nextAttemptAt ?? run.createdAt}`,
    summary: `portion ${slot}: ${open} ${open === 1 ? 'instance' : 'instances'} to look at`,
    slot,
    at,
  }));
}

function describe(run: PowerRun): string {
  const { open, settled, superseded, overruled, failed } = run.counts;
  const by = run.requestedBy.name;
  return [
    `**Power run** (${run.cause}, ${by}), due ${run.dueAt}: ${run.state}`,
    `${settled} as wanted, ${open} open, ${failed} failed, ${superseded} superseded, ${overruled} overruled`,
    run.nextDueAt === null ? '' : `Looks again at ${run.nextDueAt}`,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

/** Ends the operation of a run that a person asked for. */
async function followRun(tx: Transaction, run: PowerRun): Promise<void> {
  if (run.operationId === null || run.state === 'running') return;
  await finishOperation(
    tx,
    run.organizationId,
    run.operationId,
    {
      state: run.state,
      result: run.state === 'completed' ? { power_run_id: run.id } : null,
      error:
        run.state === 'failed'
          ? {
              code: 'power.run-failed',
              kind: 'conflict',
              message: `${run.counts.failed} of the run's instances could not be brought to what was wanted. The run's items say why.`,
              details: { power_run_id: run.id },
            }
          : null,
      progress: { ...run.counts },
    },
    run.lastAt,
  );
}
