import { activitiesOn, runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { POWER_RUN, type PowerRunAct, type PowerRunActivities } from './messages.ts';

/**
 * Carries out a power run: looks at its instances and calls their clouds, portion by portion beside
 * each other, until each is observed as wanted. Id: power-run/<id>. Lives as long as the run.
 */
export async function powerRun(ref: EntityRef): Promise<string> {
  const cloud = activitiesOn<PowerRunActivities>('cloud', {
    startToCloseTimeout: '10 min',
    scheduleToCloseTimeout: '1 h',
    heartbeatTimeout: '20 s',
    retry: { initialInterval: '1 s', maximumInterval: '30 s' },
  });
  return await runEntity<PowerRunAct>(
    POWER_RUN,
    ref,
    async (ref, act) => await cloud.actuate.executeWithOptions({ summary: act.summary }, [ref, act]),
    { together: true },
  );
}
