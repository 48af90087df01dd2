import { insertProject, lockProjectRow, lockProjectWithoutCapacity, needsCapacity, saveProject } from '../../db/projects/project-store.ts';
import { lockDueProjects, saveProjects } from '../../db/projects/projects-together.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { describeAmounts } from '../../domain/quotas/amounts.ts';
import { settleProject } from '../../domain/projects/project-time.ts';
import { OPEN_STATES, type Project } from '../../domain/projects/project.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { PROJECT, type ProjectAct } from '../../workflows/projects/messages.ts';
import { projectsWithOpenBookings } from '../bookings/port.ts';
import { lockCapacity, roomToStart } from '../quotas/port.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';
import { followProjects } from './follow-project.ts';

/** The project as an entity: see domain/projects/project-time.ts for its rules. What follows from it is written with it. */
export const projectEntity: EntityDefinition<Project, ProjectAct> = {
  kind: PROJECT,
  workflowType: 'project',
  table: 'projects',
  openCondition: `state in ('scheduled', 'active', 'buffer', 'releasing')`,
  lock: lockProject,
  insert: insertProject,
  save: async (tx, before, after) => {
    await saveProject(tx, before, after);
    await followProjects(tx, [{ before, after }]);
  },
  together: {
    lockDue: lockDueProjects,
    save: async (tx, changes) => {
      await saveProjects(tx, changes);
      await followProjects(tx, changes);
    },
  },
  settle: settleProject,
  acts,
  isDone: (project) => !OPEN_STATES.includes(project.state),
  describe,
  status: (project) => (project.waitingSince === null ? project.state : 'waiting-for-capacity'),
  forLedger: ({ room: _room, hasOpenBookings: _left, news: _news, ...rest }) => rest,
};

/** Locks a project; the organization's capacity before it where a start may wait for it, or an end frees some. */
export async function lockProject(tx: Transaction, organizationId: string, id: string): Promise<Project | null> {
  // Most need none, and are locked by the statement that asks.
  const alone = await lockProjectWithoutCapacity(tx, organizationId, id);
  if (alone !== null) return await withBookings(tx, alone);
  if (await needsCapacity(tx, organizationId, id)) await lockCapacity(tx, organizationId);
  const project = await lockProjectRow(tx, organizationId, id);
  return project === null ? null : await withBookings(tx, await withRoom(tx, project));
}

/** Adds whether bookings are left of a project that may not be used any more. Its release has an owner for them. */
async function withBookings(tx: Transaction, project: Project): Promise<Project> {
  const { organizationId, id } = project;
  return project.state === 'buffer' ? { ...project, hasOpenBookings: (await projectsWithOpenBookings(tx, organizationId, [id])).has(id) } : project;
}

/** Adds whether the capacity is free of a project that has been granted it and has not begun. */
export async function withRoom(tx: Transaction, project: Project): Promise<Project> {
  if (project.startedAt !== null || (project.state !== 'scheduled' && project.state !== 'buffer')) return project;
  const { fits, held_by: heldBy } = await roomToStart(tx, project.organizationId, project.id);
  return { ...project, room: { fits, heldBy } };
}

function acts({ id, state, bufferNumber, hasOpenBookings: left, releaseSteps }: Project, at: Instant): ProjectAct[] {
  if (state === 'buffer' && left) return [{ name: 'end-bookings', key: `${id}/end-bookings/${bufferNumber}`, summary: 'end the bookings that are left', bufferNumber, at }];
  if (state !== 'releasing') return [];
  return releaseSteps
    .filter(({ nextAttemptAt }) => nextAttemptAt !== null && nextAttemptAt <= at)
    .map(({ owner, attempts }) => {
      const attempt = attempts + 1;
      return { name: 'release-part', key: `${id}/release/${owner}/${bufferNumber}/${attempt}`, summary: `release ${owner}, attempt ${attempt}`, owner, bufferNumber, attempt, at };
    });
}

function describe(project: Project): string {
  const { code, state, startDate, endDate, timeZone, quota, bufferEndsAt, bufferReason, releaseHeldUntil, waitingFor, waitingSince, nextDueAt } = project;
  const parts = project.releaseSteps.map((one) => `- ${one.owner}: ${one.state}, ${one.attempts} ${one.attempts === 1 ? 'attempt' : 'attempts'}${one.lastError === null ? '' : `, ${one.lastError.code}, next at ${one.nextAttemptAt}`}`);
  return [
    `**Project** ${code}: ${state}`,
    `${startDate} to ${endDate} (${timeZone}), ${describeAmounts(quota)}`,
    waitingSince === null ? '' : `Waits for capacity since ${waitingSince}, held by ${waitingFor.join(', ') || 'nobody any more'}`,
    state === 'buffer' ? `In its buffer (${bufferReason}) until ${bufferEndsAt}${releaseHeldUntil === null ? '' : `, held by a pending extension until ${releaseHeldUntil}`}` : '',
    ['releasing', 'released', 'deleted'].includes(state) ? parts.join('\n') : '',
    nextDueAt === null ? '' : `Next: ${nextDueAt}`,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}
