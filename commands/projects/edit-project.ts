import type { Transaction } from '../../db/shared/connection.ts';
import { edit, type ProjectEdit } from '../../domain/projects/project-decisions.ts';
import type { Project } from '../../domain/projects/project.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { projectEntity } from './project-entity.ts';
import { requireKnownPeople } from './project-people.ts';

/**
 * Changes name, description, people or the days of warnings; everybody named must be in the organization. Throws `projects.unknown-people`, `projects.no-manager`,
 * `projects.bad-warn-days`, `projects.too-many-warnings`, `projects.not-editable`.
 */
export async function editProject(tx: Transaction, ref: EntityRef, changes: ProjectEdit, decision: Decision): Promise<Project> {
  const project = await decide(tx, projectEntity, ref, decision, (one, at) => edit(one, changes, at));
  if (changes.managers !== undefined || changes.members !== undefined) await requireKnownPeople(tx, project);
  return project;
}
