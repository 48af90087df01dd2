import { openApplicationsOf } from '../../db/projects/application-store.ts';
import { waitingForCapacity } from '../../db/projects/project-lists.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { requestWakeUp, requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { letterOf } from '../../domain/projects/project-news.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system, type Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { APPLICATION } from '../../workflows/projects/application-messages.ts';
import { PROJECT } from '../../workflows/projects/messages.ts';
import { endBookingsOfProject, projectsWithOpenBookings } from '../bookings/port.ts';
import { notifyEach, type Notice } from '../notifications/port.ts';
import { releaseGrant } from '../quotas/port.ts';

interface Change {
  before: Project;
  after: Project;
}

/**
 * Everything that follows from the steps of projects of one organization, written in their transaction: bookings end when a project enters a
 * buffer, the first of them at once and many others as an act of its own; its quota is free when nothing is left of it, and who waits for
 * capacity looks again; and the mails. The caller holds the projects.
 */
export async function followProjects(tx: Transaction, changes: readonly Change[]): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const entering = changes.filter(({ before, after }) => after.bufferNumber > before.bufferNumber).map(({ after }) => after.id);
  const booked = await projectsWithOpenBookings(tx, first.after.organizationId, entering);
  for (const { before, after } of changes) {
    if (booked.has(after.id)) await endBookings(tx, after);
    await followState(tx, before, after);
  }
  await notifyEach(tx, changes.flatMap(({ after }) => noticesOf(after)));
}

async function endBookings(tx: Transaction, { organizationId, id, lastAt: at }: Project): Promise<void> {
  const { left } = await endBookingsOfProject(tx, organizationId, id, { at, by: actorOf(id) });
  // Its next look finds them. One decision does not end them all: it would take longer than an activity has.
  if (left) await requestWakeUp(tx, { kind: PROJECT, entityId: id, organizationId }, at);
}

async function followState(tx: Transaction, before: Project, after: Project): Promise<void> {
  const { organizationId, id, lastAt: at } = after;
  if (after.releasedAt !== null && before.releasedAt === null) {
    await releaseGrant(tx, organizationId, id, { at, by: actorOf(id) });
    await wakeWaiting(tx, organizationId, at);
  }
  if (after.state === 'releasing' && before.state !== 'releasing') await endReviews(tx, organizationId, id, at);
}

function actorOf(projectId: string): Actor {
  return system('project', entityWorkflowId(PROJECT, projectId));
}

function noticesOf(project: Project): Notice[] {
  const { organizationId, managers, lastAt: at } = project;
  return project.news.map((news) => {
    const { key, subject, text, to } = letterOf(project, news);
    const userIds = to === 'organization' ? [] : managers;
    return { organizationId, kind: 'project', key, to: { userIds, managers: to !== 'project' }, subject, text, at };
  });
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
