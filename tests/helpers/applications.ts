import { editCapacity } from '../../commands/quotas/edit-capacity.ts';
import { approveApplication, declineApplication, delegateApplication, revokeApplication, settleProjectsOf } from '../../commands/projects/application-decisions.ts';
import { applyForExtension, applyForGpus, applyForProject, type ProjectRequest } from '../../commands/projects/application-requests.ts';
import { createPurpose } from '../../commands/projects/purposes.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { getApplication } from '../../db/projects/application-store.ts';
import { getProject } from '../../db/projects/project-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Reviewer } from '../../domain/projects/application-rules.ts';
import type { Application } from '../../domain/projects/application.ts';
import type { Project } from '../../domain/projects/project.ts';
import type { ProjectPurpose, PurposeWish } from '../../domain/projects/purpose.ts';
import { system, type Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { insertPerson } from './bookings.ts';

/** Somebody of the organization, as who they review and apply. */
export async function aReviewer(db: Database, organizationId: string, role: Reviewer['role'], at: Instant): Promise<Reviewer> {
  const { userId } = await insertPerson(db, organizationId, role, at);
  return { userId, role, as: 'manager' };
}

export const actorOf = ({ userId }: Reviewer): Actor => ({ kind: 'person', id: userId, name: 'Test' });

/** What applying and reviewing is to a test. */
export interface Applying {
  organizationId: string;
  project(by: Reviewer, at: Instant, wish?: Partial<ProjectRequest>): Promise<Application>;
  extension(by: Reviewer, at: Instant, projectId: string, days: number): Promise<Application>;
  gpus(by: Reviewer, at: Instant, projectId: string, additionalGpus: string): Promise<Application>;
  approve(by: Reviewer, at: Instant, id: string, remark?: string): Promise<Application>;
  decline(by: Reviewer, at: Instant, id: string, remark?: string): Promise<Application>;
  revoke(by: Reviewer, at: Instant, id: string): Promise<Application>;
  delegate(by: Reviewer, at: Instant, id: string, userId: string): Promise<Application>;
  /** The organization's GPUs; CPU and RAM are unlimited. */
  capacity(gpu: string, at: Instant): Promise<void>;
  purpose(at: Instant, limits?: Partial<PurposeWish>): Promise<ProjectPurpose>;
  read(id: string): Promise<Application>;
  readProject(id: string): Promise<Project>;
}

/** Ways of applying in an organization; `people` lead and are the applicants' projects. */
export function applying(db: Database, organizationId: string): Applying {
  const run = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => inTransaction(db, work);
  const applies = (applicant: Reviewer, at: Instant) => ({ at, by: actorOf(applicant), applicant });
  const reviews = (reviewer: Reviewer, at: Instant) => ({ at, by: actorOf(reviewer), reviewer });
  const ref = (id: string) => ({ organizationId, id });
  return {
    organizationId,
    project: (by, at, wish = {}) => run((tx) => applyForProject(tx, { ...projectWish(organizationId, by, at), ...wish }, applies(by, at))),
    extension: (by, at, projectId, days) => run((tx) => applyForExtension(tx, { organizationId, projectId, days, reason: 'not done yet' }, applies(by, at))),
    gpus: (by, at, projectId, additionalGpus) => run((tx) => applyForGpus(tx, { organizationId, projectId, additionalGpus, reason: '' }, applies(by, at))),
    // As the API does: what is due of the project is a command of its own.
    approve: async (by, at, id, remark = '') => {
      await settleProjectsOf(db, organizationId, [id], at);
      return await run((tx) => approveApplication(tx, ref(id), remark, reviews(by, at)));
    },
    decline: (by, at, id, remark = 'no room') => run((tx) => declineApplication(tx, ref(id), remark, reviews(by, at))),
    revoke: (by, at, id) => run((tx) => revokeApplication(tx, ref(id), reviews(by, at))),
    delegate: (by, at, id, userId) => run((tx) => delegateApplication(tx, ref(id), userId, reviews(by, at))),
    capacity: async (gpu, at) => {
      await run((tx) => editCapacity(tx, { organizationId, amounts: { gpu, cpu: null, ram_gib: null }, prices: null }, { at, by: system('test') }));
    },
    purpose: (at, limits = {}) => {
      const wish = { name: newId('project-purpose'), description: '', maxGpu: null, maxCpu: null, maxRamGib: null, maxDays: null, active: true, ...limits };
      return run((tx) => createPurpose(tx, organizationId, wish, { at, by: system('test') }));
    },
    read: async (id) => found(await getApplication(db, organizationId, id)),
    readProject: async (id) => found(await getProject(db, organizationId, id)),
  };
}

/** Thirty days from the UTC date of `at` on, led by whoever applies, for one GPU. */
export function projectWish(organizationId: string, by: Reviewer, at: Instant): ProjectRequest {
  const endDate = new Date(Date.parse(at) + 29 * 86_400_000).toISOString().slice(0, 10);
  return {
    organizationId, name: 'Iris', description: '', purposeId: null, timeZone: 'UTC', startDate: at.slice(0, 10), endDate,
    quota: { gpu: '1', cpu: '4', ram_gib: '16' }, managers: [by.userId], members: [], reason: 'to learn',
  };
}

export interface ApplySite extends Applying {
  db: Database;
  /** Two managers of the organization, and somebody who leads projects. */
  boss: Reviewer;
  other: Reviewer;
  ada: Reviewer;
  /** Subjects of the mails to somebody, oldest first. */
  mailsTo(reviewer: Pick<Reviewer, 'userId'>): Promise<string[]>;
}

/** An organization with people. */
export async function applySite(db: Database, at: Instant): Promise<ApplySite> {
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: at, last_at: at });
  return {
    ...applying(db, organizationId),
    db,
    boss: await aReviewer(db, organizationId, 'manager', at),
    other: await aReviewer(db, organizationId, 'manager', at),
    ada: await aReviewer(db, organizationId, 'engineer', at),
    mailsTo: ({ userId }) => db('mails').where('user_id', userId).orderBy('id').pluck('subject'),
  };
}

function found<T>(row: T | null): T {
  if (row === null) throw new Error('there is no such row');
  return row;
}
