import type { Transaction } from '../../db/shared/connection.ts';
import { invalidField } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';

/**
 * Refuses unless the project is active and the person its member. This version has no projects, so no
 * project id names one: bookings are made without.
 */
// oxlint-disable-next-line typescript/require-await -- the port is asynchronous: a project is read from the database
export async function requireActiveMember(_tx: Transaction, _organizationId: string, projectId: string, _userId: string, _at: Instant): Promise<void> {
  throw invalidField('projects.no-such-project', 'project_id', `${projectId} names no project that you may book for; leave it out`);
}
