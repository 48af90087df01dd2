import { activitiesOn } from './activity-proxies.ts';
import type { Tick } from './messages.ts';

export interface TickActivities {
  /** Issues the tick's command. Idempotent: a tick that finds its work asked for asks nothing. */
  issueTick(tick: Tick, at: string): Promise<void>;
}

/** Started by a Temporal Schedule: issues one command and ends. */
export async function tick(tick: Tick): Promise<void> {
  const { issueTick } = activitiesOn<TickActivities>('entities', {
    startToCloseTimeout: '30 s',
    scheduleToCloseTimeout: '10 min',
  });
  await issueTick.executeWithOptions({ summary: `${tick.name} ${tick.ref.id}` }, [tick, new Date().toISOString()]);
}
