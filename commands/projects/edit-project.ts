import type { Transaction } from '../../db/shared/connection.ts';
import { edit, type ProjectEdit } from '../../domain/projects/project-decisions.ts';
import type { Project } from '../../domain/projects/project.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { lockCapacity } from '../quotas/port.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { projectEntity } from './project-entity.ts';
import { requireKnownPeople } from './project-people.ts';

/**
 * Changes name, description, people or the days of warnings; everybody named must be in the organization. Locks capacity where
 * people are named, then the project. Throws `projects.unknown-people`, `projects.no-manager`, `projects.bad-warn-days`,
 * `projects.too-many-warnings`, `projects.not-editable`.
 */
export async function editProject(tx: Transaction, ref: EntityRef, changes: ProjectEdit, decision: Decision): Promise<Project> {
  const { managers = [], members = [] } = changes;
  if (managers.length + members.length > 0) {
    // Memberships lie between capacity and projects: whoever leaves the organization holds theirs when they leave its projects.
    await lockCapacity(tx, ref.organizationId);
    await requireKnownPeople(tx, { organizationId: ref.organizationId, managers, members });
  }
  return await decide(tx, projectEntity, ref, decision, (one, at) => edit(one, changes, at));
}
