import type { ProjectRole, ProjectState } from '../../domain/projects/project.ts';
import type { Database } from '../shared/connection.ts';

/** A project that somebody is in. */
export interface PersonsProject {
  id: string;
  organizationId: string;
  code: string;
  name: string;
  state: ProjectState;
  role: ProjectRole;
}

/** The projects somebody is in that have not come to their end, by name; `onlyIn`: those of one organization. */
export async function projectsOfPerson(db: Database, userId: string, onlyIn: string | null, limit: number): Promise<PersonsProject[]> {
  const matching = db('project_members as m')
    .join('projects as p', 'p.id', 'm.project_id')
    .where('m.user_id', userId)
    .whereNotIn('p.state', ['declined', 'released', 'deleted']);
  if (onlyIn !== null) void matching.where('m.organization_id', onlyIn);
  const rows = await matching
    .orderBy(['p.name', 'p.id'])
    .limit(limit)
    .select<Record<string, string>[]>('p.id', 'p.organization_id', 'p.code', 'p.name', 'p.state', 'm.role');
  return rows.map((row) => {
    const { id, organization_id: organizationId, code, name } = row as Record<'id' | 'organization_id' | 'code' | 'name', string>;
    return { id, organizationId, code, name, state: row.state as ProjectState, role: row.role as ProjectRole };
  });
}
