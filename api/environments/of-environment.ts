import { getListedEnvironment } from '../../db/environments/environment-list.ts';
import { organizationOfEnvironment } from '../../db/environments/environment-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { idOf } from '../shared/fields.ts';
import type { RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { environmentView } from './views.ts';

export const environmentParams = z.strictObject({ id: idOf('environment') });

/** Access by role in the organization that owns the environment. */
export function ofEnvironment(role: OrganizationRole) {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfEnvironment(db, id),
  };
}

/** Body and version of an environment as it is now. */
export async function environmentAnswer(db: Database | Transaction, organizationId: string, id: string, at: Instant) {
  const listed = await getListedEnvironment(db, organizationId, id, at);
  if (listed === null) throw notFound('environment', id);
  return { body: environmentView(listed), version: listed.environment.version };
}
