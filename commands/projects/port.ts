import { isActivated } from '../../db/identity/activation.ts';
import { lockOpenProjectsOfPerson, overdueProject, shareLock } from '../../db/projects/project-lists.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { ActiveMember } from '../../domain/projects/active-member.ts';
import { refuseUnusable, withoutPerson } from '../../domain/projects/project-decisions.ts';
import { projectRoleOf } from '../../domain/projects/project.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { advanceEntity, decide } from '../shared/entity-commands.ts';
import { projectEntity } from './project-entity.ts';

export { wakeWaiting } from './follow-project.ts';

/**
 * Refuses unless the project may be used now and the person is in it and activated: `projects.no-such-project`,
 * `projects.in-buffer` with the date on which the buffer ends, `projects.not-active`, `identity.not-activated`. What is due
 * of the project happens first. Until the transaction ends the project does not leave its state, so what is written for
 * it is ended with it. The answer says so to whoever demands it, as quotas do. Lock order: project before environment.
 */
export async function requireActiveMember(tx: Transaction, organizationId: string, projectId: string, userId: string, at: Instant): Promise<ActiveMember> {
  if (await overdueProject(tx, organizationId, projectId, at)) await advanceEntity(tx, projectEntity, { organizationId, id: projectId }, at);
  const project = await shareLock(tx, organizationId, projectId);
  if (project === null || projectRoleOf(project, userId) === null) {
    throw invalidField('projects.no-such-project', 'project_id', `${projectId} names no project of this person; leave it out, or let a manager of the project add them`);
  }
  refuseUnusable(project);
  if (!(await isActivated(tx, userId))) {
    throw new DomainError({ kind: 'not-allowed', code: 'identity.not-activated', message: 'This person has not activated the service: what belongs to projects can be used after that.' });
  }
  return { organizationId, projectId, userId } as ActiveMember;
}

/**
 * Lets somebody who leaves the organization leave its projects too. The caller holds the organization's capacity, which some
 * projects are locked with, and has ended the membership, so that no other project takes them in. Where they are the last manager of one that is
 * under review, open or in a buffer, it is refused: `projects.last-manager`.
 */
export async function leaveProjects(tx: Transaction, organizationId: string, userId: string, decision: { at: Instant; by: Actor }): Promise<void> {
  // All of them before the first decision: what is due of a project may lock environments.
  for (const id of await lockOpenProjectsOfPerson(tx, organizationId, userId)) {
    await decide(tx, projectEntity, { organizationId, id }, decision, (project) => withoutPerson(project, userId));
  }
}
