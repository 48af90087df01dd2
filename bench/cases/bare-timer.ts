import { proxyActivities, sleep } from '@temporalio/workflow';

export interface BareTimerActivities {
  /** Updates one row. */
  fire(id: number): Promise<void>;
}

const { fire } = proxyActivities<BareTimerActivities>({ startToCloseTimeout: '30 s' });

/** The least that waits for an instant, in milliseconds since 1970, and then changes a row. */
export async function bareTimer(id: number, dueAt: number): Promise<void> {
  await sleep(Math.max(1, dueAt - Date.now()));
  await fire(id);
}
