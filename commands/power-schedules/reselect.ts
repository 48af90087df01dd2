import { attachedBySelector, instancesMatching } from '../../db/power-schedules/selector-store.ts';
import { schedulesWithSelectors } from '../../db/power-schedules/schedule-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { CreatedRun } from '../power/port.ts';
import { attachTo, detachFrom } from './attach-instances.ts';

/**
 * Looks again at which of these instances the organization's selectors choose, oldest schedule first:
 * those that match and have no schedule are attached, those that a selector brought and that match no
 * more are detached. Who was attached by a person stays. An instance that cannot be stopped is passed by.
 */
export async function reselect(tx: Transaction, organizationId: string, resourceIds: readonly string[] | 'all', decision: { at: Instant; by: Actor }): Promise<void> {
  for (const schedule of await schedulesWithSelectors(tx, organizationId)) {
    await reselectFor(tx, schedule, resourceIds, { ...decision, applyNow: false });
  }
}

/** As `reselect`, for one schedule. */
export async function reselectFor(
  tx: Transaction,
  schedule: PowerSchedule,
  resourceIds: readonly string[] | 'all',
  { at, by, applyNow }: { at: Instant; by: Actor; applyNow: boolean },
): Promise<CreatedRun[]> {
  const { organizationId, id, tagSelector } = schedule;
  const matching = tagSelector === null ? [] : await instancesMatching(tx, organizationId, tagSelector, resourceIds);
  const brought = await attachedBySelector(tx, organizationId, id, resourceIds);
  const wanted = new Set(matching);
  const lost = brought.filter((resourceId) => !wanted.has(resourceId));
  const left = lost.length === 0 ? [] : (await detachFrom(tx, schedule, lost, { at, by })).runs;
  const known = new Set(brought);
  const added = matching.filter((resourceId) => !known.has(resourceId));
  const joined = added.length === 0 ? [] : (await attachTo(tx, schedule, added, { at, by, applyNow, attachedBy: 'selector' })).runs;
  return [...left, ...joined];
}
