import { sleep } from '@temporalio/workflow';
import { activitiesOn } from '../activity-proxies.ts';
import type { PowerSweepActivities } from './messages.ts';

/** It ends before the next one starts. */
const LASTS_MS = 59_000;

/**
 * Started by a Temporal Schedule each minute: takes what is due off the due-table, and what becomes due
 * within the minute when it does, to the second. Whatever an outage kept from being taken is still in
 * the table: no start of this workflow needs to be made up.
 */
export async function powerSweep(): Promise<string> {
  const { sweepPower } = activitiesOn<PowerSweepActivities>('entities', {
    startToCloseTimeout: '10 min',
    scheduleToCloseTimeout: '15 min',
    heartbeatTimeout: '20 s',
    retry: { initialInterval: '200 ms', maximumInterval: '10 s' },
  });
  const end = Date.now() + LASTS_MS;
  let [fired, edges] = [0, 0];
  for (;;) {
    const at = new Date().toISOString();
    const swept = await sweepPower.executeWithOptions({ summary: `take what is due at ${at} off the due-table` }, [at]);
    fired += swept.fired;
    edges += swept.edges;
    const next = swept.nextDueAt === null ? end : Date.parse(swept.nextDueAt);
    if (next >= end) return `${fired} schedules fired, ${edges} instances whose claims began or ended; next due at ${swept.nextDueAt ?? 'no time'}`;
    await sleep(Math.max(1, next - Date.now()), { summary: `due at ${swept.nextDueAt}` });
  }
}
