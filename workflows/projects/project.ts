import { activitiesOn, runEntity } from '../activity-proxies.ts';
import type { EntityRef, Performed, TaskQueue } from '../messages.ts';
import { PROJECT, RELEASE_QUEUES, type ProjectActivities, type ProjectAct } from './messages.ts';

/**
 * Keeps a project from its approval until everything of it is released: waits for its dates, its notices and
 * the end of its buffer, ends there what bookings are left, and has its owners release their parts beside each other.
 * Id: project/<id>.
 */
export async function project(ref: EntityRef): Promise<string> {
  return await runEntity<ProjectAct>(PROJECT, ref, perform, { together: true });
}

async function perform(ref: EntityRef, act: ProjectAct): Promise<Performed<ProjectAct>> {
  if (act.name === 'end-bookings') return await activitiesFor('entities').endBookings.executeWithOptions({ summary: act.summary }, [ref, act]);
  return await activitiesFor(RELEASE_QUEUES[act.owner]).releasePart.executeWithOptions({ summary: act.summary }, [ref, act]);
}

function activitiesFor(queue: TaskQueue) {
  // How often an owner is asked is the row's; retries here are for a worker or a database that is lost.
  return activitiesOn<ProjectActivities>(queue, {
    startToCloseTimeout: '10 min',
    scheduleToCloseTimeout: '1 h',
    heartbeatTimeout: '20 s',
    retry: { initialInterval: '1 s', maximumInterval: '30 s' },
  });
}
