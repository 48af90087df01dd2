import { getListedApplication, type ListedApplication } from '../../db/projects/application-list.ts';
import { projectRole } from '../../db/projects/application-people.ts';
import { organizationOfApplication } from '../../db/projects/application-store.ts';
import { findMembershipRole } from '../../db/organizations/membership-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { maySee, type Reviewer } from '../../domain/projects/application-rules.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { roleOf, unauthenticated } from '../shared/authorize.ts';
import type { RequestContext } from '../shared/operation.ts';

/** Who may call what is about one application: people of its organization who hold this role. */
export const ofApplication = (role: 'member' | 'manager') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfApplication(db, id),
});

/** Who asks, with the role that they have in the organization of the request, and as what they would decide. */
export async function reviewerOf({ deps, caller, organizationId }: Pick<RequestContext, 'deps' | 'caller' | 'organizationId'>): Promise<Reviewer> {
  const role = caller === null ? null : await roleOf(deps, caller, organizationId);
  if (caller === null || role === null) throw unauthenticated();
  const actsForManagers = role === 'manager' && (await findMembershipRole(deps.db, organizationId, caller.userId)) !== 'manager';
  return { userId: caller.userId, role, as: actsForManagers ? 'platform-administrator' : 'manager' };
}

/** An application that this person may see; to others there is none. */
export async function visibleApplication(db: Database | Transaction, organizationId: string, id: string, by: Reviewer): Promise<ListedApplication> {
  const listed = await getListedApplication(db, organizationId, id);
  if (listed === null) throw notFound('application', id);
  const { application } = listed;
  const managesProject = (await projectRole(db, application.projectId, by.userId)) === 'manager';
  if (!maySee(application, by, managesProject)) throw notFound('application', id);
  return listed;
}
