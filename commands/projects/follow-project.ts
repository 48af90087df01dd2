import { openApplicationsOf } from '../../db/projects/application-store.ts';
import { waitingForCapacity } from '../../db/projects/project-lists.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUp, requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { letterOf } from '../../domain/projects/project-news.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { APPLICATION } from '../../workflows/projects/application-messages.ts';
import { PROJECT } from '../../workflows/projects/messages.ts';
import { endBookingsOfProject } from '../bookings/port.ts';
import { notify } from '../notifications/port.ts';
import { releaseGrant } from '../quotas/port.ts';

/**
 * Everything that follows from a project's steps, written in their transaction: its bookings end when it enters a
 * buffer, the first of them at once and many others as an act of its own; its quota is free when nothing is left of it, and who waits for capacity looks again; and the mails.
 */
export async function followProject(tx: Transaction, before: Project, after: Project): Promise<void> {
  const { organizationId, id, lastAt: at } = after;
  const decision = { at, by: system('project', `${PROJECT}/${id}`) };
  if (after.bufferNumber > before.bufferNumber) {
    const { left } = await endBookingsOfProject(tx, organizationId, id, decision);
    // Its next look finds them. One decision does not end them all: it would take longer than an activity has.
    if (left) await requestWakeUp(tx, { kind: PROJECT, entityId: id, organizationId }, at);
  }
  if (after.releasedAt !== null && before.releasedAt === null) {
    await releaseGrant(tx, organizationId, id, decision);
    await wakeWaiting(tx, organizationId, at);
  }
  if (after.state === 'releasing' && before.state !== 'releasing') await endReviews(tx, organizationId, id, at);
  for (const news of after.news) {
    const { key, subject, text, to } = letterOf(after, news);
    const userIds = to === 'organization' ? [] : after.managers;
    await notify(tx, { organizationId, kind: 'project', key, to: { userIds, managers: to !== 'project' }, subject, text, at });
  }
}

/** Wakes the reviews of applications about a project that goes: each ends by itself. */
async function endReviews(tx: Transaction, organizationId: string, projectId: string, at: Instant): Promise<void> {
  const open = await openApplicationsOf(tx, organizationId, projectId);
  await requestWakeUps(tx, { kind: APPLICATION, organizationId, entityIds: open.map(({ id }) => id) }, at);
}

/** Wakes the projects whose start waits for capacity: some may have become free. */
export async function wakeWaiting(tx: Transaction, organizationId: string, at: Instant): Promise<void> {
  await requestWakeUps(tx, { kind: PROJECT, organizationId, entityIds: await waitingForCapacity(tx, organizationId) }, at);
}
