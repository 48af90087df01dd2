import type { Project } from '../../domain/projects/project.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { getProject } from './project-store.ts';

/** Whether something of a project is due that nobody has done. */
export async function overdueProject(tx: Transaction, organizationId: string, id: string, at: Instant): Promise<boolean> {
  return (await tx('projects').where({ organization_id: organizationId, id }).where('next_due_at', '<=', at).first('id')) !== undefined;
}

/** Reads a project that until the transaction ends keeps its state; others may read it so too. */
export async function shareLock(tx: Transaction, organizationId: string, id: string): Promise<Project | null> {
  await tx('projects').where({ organization_id: organizationId, id }).forShare().first('id');
  return await getProject(tx, organizationId, id);
}

/** Locks the projects with somebody in them that have not ended, in the order of their ids, and answers with these. */
export async function lockOpenProjectsOfPerson(tx: Transaction, organizationId: string, userId: string): Promise<string[]> {
  return await tx('projects as p')
    .join('project_members as m', 'p.id', 'm.project_id')
    .where({ 'm.organization_id': organizationId, 'm.user_id': userId })
    .whereIn('p.state', ['reviewing', 'scheduled', 'active', 'buffer', 'releasing'])
    .orderBy('p.id')
    .forUpdate('p')
    .pluck<string[]>('p.id');
}

/** Scheduled projects whose start waits for capacity that others hold. */
export async function waitingForCapacity(db: Database | Transaction, organizationId: string): Promise<string[]> {
  return await db('projects').where('organization_id', organizationId).whereNotNull('waiting_since').where('state', 'scheduled').orderBy('id').pluck<string[]>('id');
}

/** Which of these people belong to the organization, and do so until the transaction ends. */
export async function membersAmong(tx: Transaction, organizationId: string, userIds: readonly string[]): Promise<Set<string>> {
  return new Set(await tx('memberships').where('organization_id', organizationId).whereIn('user_id', [...userIds]).forKeyShare().pluck<string[]>('user_id'));
}
