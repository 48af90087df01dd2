import { getProject, organizationOfProject } from '../../db/projects/project-store.ts';
import type { Viewer } from '../../db/projects/project-cards.ts';
import { projectRoleOf, type Project } from '../../domain/projects/project.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { roleOf, unauthenticated } from '../shared/authorize.ts';
import { idOf } from '../shared/fields.ts';
import type { RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';

export const projectParams = z.strictObject({ id: idOf('project') });

/** Members of the organization may ask; whether the project exists for them is its own people's matter. */
export const ofProject = {
  kind: 'organization' as const,
  role: 'member' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfProject(db, id),
};

type Asking = Pick<RequestContext, 'deps' | 'caller' | 'organizationId'>;

/** Who asks: managers of the organization and platform administrators see every project of it. */
export async function viewerOf({ deps, caller, organizationId }: Asking): Promise<Viewer> {
  const role = caller === null ? null : await roleOf(deps, caller, organizationId);
  if (caller === null || role === null) throw unauthenticated();
  return { userId: caller.userId, seesAll: role === 'manager' };
}

/** A project that this person may see; to others there is none. */
export async function visibleProject(context: Asking, id: string): Promise<{ project: Project; viewer: Viewer }> {
  const viewer = await viewerOf(context);
  const project = await getProject(context.deps.db, context.organizationId, id);
  if (project === null || (!viewer.seesAll && projectRoleOf(project, viewer.userId) === null)) throw notFound('project', id);
  return { project, viewer };
}

/** A project that this person manages: as its manager, or as one of the organization. */
export async function managedProject(context: Asking, id: string): Promise<{ project: Project; viewer: Viewer }> {
  const seen = await visibleProject(context, id);
  if (!seen.viewer.seesAll && projectRoleOf(seen.project, seen.viewer.userId) !== 'manager') {
    throw new DomainError({ kind: 'not-allowed', code: 'projects.managers-only', message: `Only managers of ${seen.project.name} may do this. Ask one of them.` });
  }
  return seen;
}
