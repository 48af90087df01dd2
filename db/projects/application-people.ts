import type { Database, Transaction } from '../shared/connection.ts';

/** Whether somebody is a manager of the organization whose account is not disabled. */
export async function isActiveManager(tx: Transaction, organizationId: string, userId: string): Promise<boolean> {
  const found = await activeManagers(tx, organizationId).where('m.user_id', userId).first<{ user_id: string } | undefined>('m.user_id');
  return found !== undefined;
}

/** Platform administrators, where nobody but the applicant manages the organization: else nobody could decide. */
export async function standInDeciders(tx: Transaction, organizationId: string, applicantUserId: string): Promise<string[]> {
  const manager = await activeManagers(tx, organizationId).whereNot('m.user_id', applicantUserId).first<{ user_id: string } | undefined>('m.user_id');
  if (manager !== undefined) return [];
  return await tx('users').where('platform_administrator', true).whereNull('disabled_at').whereNot('id', applicantUserId).orderBy('id').pluck<string[]>('id');
}

/** The role of somebody in a project, or null when they are not in it. */
export async function projectRole(db: Database | Transaction, projectId: string, userId: string): Promise<'manager' | 'member' | null> {
  const row = await db('project_members').where({ project_id: projectId, user_id: userId }).first<{ role: 'manager' | 'member' } | undefined>('role');
  return row?.role ?? null;
}

function activeManagers(tx: Transaction, organizationId: string) {
  return tx('memberships as m').join('users as u', 'u.id', 'm.user_id').where({ 'm.organization_id': organizationId, 'm.role': 'manager' }).whereNull('u.disabled_at');
}
