import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';

/** The Schedule of the product's one sweep over the due-table. */
export const POWER_SWEEP = 'power-sweep';

/**
 * Makes the Schedule that starts `powerSweep` at every full minute. A start that was missed is not made
 * up: what was due then is still in the table. Repeating it changes nothing.
 */
export async function ensureSweepSchedule(client: Client, taskQueue: string): Promise<void> {
  const options: ScheduleOptions = {
    scheduleId: POWER_SWEEP,
    spec: { intervals: [{ every: '1 min' }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'powerSweep',
      workflowId: POWER_SWEEP,
      taskQueue,
      args: [],
      staticSummary: 'power schedules and claims that are due',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 s' },
  };
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
