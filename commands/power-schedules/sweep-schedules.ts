import { membersOf } from '../../db/power-schedules/member-store.ts';
import { saveFired, takeDueSchedules } from '../../db/power-schedules/schedule-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { fireDue } from '../../domain/power-schedules/power-schedule.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { fireTriggers } from '../power/port.ts';
import { wordOf } from './decide-on-schedule.ts';

/** Schedules that one transaction takes: enough to fill runs, few enough to let the first calls go out early. */
const SCHEDULES_AT_ONCE = 500;

/**
 * Takes schedules that are due off the due-table, in one transaction: moves them past what is due,
 * lets the newest fire of each speak for its instances, and wakes the runs that carry it out. Answers
 * with how many it took; 0: nothing is due that no other sweep holds. Killed before its commit it
 * leaves nothing, after it nothing is left to do.
 */
export async function sweepSchedules(tx: Transaction, at: Instant, by: Actor): Promise<number> {
  const due = await takeDueSchedules(tx, at, SCHEDULES_AT_ONCE);
  const [first] = due;
  if (first === undefined) return 0;
  const moved = due.map((schedule) => fireDue(schedule, at));
  const fired = new Map(moved.flatMap(({ schedule, fire }) => (fire === null ? [] : [[schedule.id, wordOf(schedule, fire)] as const])));
  const members = await membersOf(tx, first.organizationId, [...fired.keys()]);
  const fires = members.flatMap(({ resourceId, scheduleId }) => {
    const word = fired.get(scheduleId);
    return word === undefined ? [] : [{ resourceId, ...word }];
  });
  const runs = await fireTriggers(tx, first.organizationId, fires, { cause: 'trigger', at, by });
  const runOf = new Map(runs.flatMap(({ run, scheduleIds }) => scheduleIds.map((id) => [id, run.id] as const)));
  await saveFired(tx, moved.map(({ schedule }) => ({ ...schedule, lastRunId: runOf.get(schedule.id) ?? schedule.lastRunId })));
  return due.length;
}
