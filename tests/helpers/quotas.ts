import { insertReviewingProject } from '../../commands/projects/decide-on-project.ts';
import { grantQuota, holdQuota, type Hold, type HoldInUse } from '../../commands/quotas/port.ts';
import { editCapacity } from '../../commands/quotas/edit-capacity.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { OWNER_KINDS } from '../../db/quotas/owner-kinds.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { ActiveMember } from '../../domain/projects/active-member.ts';
import type { Allocation } from '../../domain/quotas/allocation.ts';
import type { CapacityAmounts, ExactAmounts, QuotaAmounts } from '../../domain/quotas/amounts.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { insertPerson } from './bookings.ts';
import { freshDatabase } from './database.ts';

export const QUOTA_START: Instant = '2026-11-21T08:00:00.000Z';
export const by = system('test');
const OWNER_KIND = 'test-job';

/** `days` and `hours` after the time at which the tests of quotas begin. */
export function after(days: number, hours = 0): Instant {
  return plusMilliseconds(QUOTA_START, days * 86_400_000 + hours * 3_600_000);
}

export const gpus = (gpu: string): ExactAmounts => ({ gpu, cpu: '0', ram_gib: '0' });
export const gpuCapacity = (gpu: string | null): CapacityAmounts => ({ gpu, cpu: null, ram_gib: null });

/** A project as an application leaves it: under review, without quota. */
export async function insertReviewing(db: Database, organizationId: string, managerId: string, at: Instant = QUOTA_START): Promise<string> {
  const fields = {
    organizationId, name: 'A project', description: '', purposeId: null, timeZone: 'UTC', startDate: at.slice(0, 10), endDate: plusMilliseconds(at, 40 * 86_400_000).slice(0, 10),
    quota: gpus('1'), managers: [managerId], members: [],
  };
  return (await inTransaction(db, (tx) => insertReviewingProject(tx, fields, { at, by }))).id;
}

/** Somebody as `requireActiveMember` answers with them, unasked: tests of quotas have projects that are only applied for. */
export function asActiveMember({ organizationId, projectId, userId }: Pick<ActiveMember, 'organizationId' | 'projectId' | 'userId'>): ActiveMember {
  return { organizationId, projectId, userId } as ActiveMember;
}

/** A hold as `commitHold` and `renewHold` take it, in use by whoever it was made for. */
export function inUse(allocation: Allocation): HoldInUse {
  return { member: asActiveMember(allocation), id: allocation.id };
}

/** A table of rows that may own quota, and its kind registered as a domain would register its own. */
export async function createTestOwners(db: Database): Promise<void> {
  await db.raw(`create table test_jobs (organization_id text not null, id text primary key, ended boolean not null default false)`);
  OWNER_KINDS.set(OWNER_KIND, { table: 'test_jobs', ended: 'o.ended' });
}

export interface QuotaSite {
  db: Database;
  url: string;
  organizationId: string;
  userId: string;
  project(): Promise<string>;
  /** A project with this quota, for 40 days from now on. */
  granted(amounts: QuotaAmounts): Promise<string>;
  grant(projectId: string, amounts: QuotaAmounts, from?: Instant, until?: Instant, at?: Instant): Promise<unknown>;
  capacity(amounts: CapacityAmounts, at?: Instant): Promise<unknown>;
  /** A row that may own quota. */
  job(): Promise<string>;
  endJob(id: string): Promise<void>;
  /** What `hold` holds, without its owner. */
  wish(projectId: string, jobId: string, amounts: ExactAmounts, expiresAt?: Instant): Hold;
  /** Holds for a new job. */
  hold(projectId: string, amounts: ExactAmounts, at?: Instant, expiresAt?: Instant): Promise<Allocation>;
  /** Sums of a project's row beside the sums of its allocations, as PostgreSQL adds them up. */
  sums(projectId: string): Promise<{ row: Sums; allocations: Sums }>;
}

/** GPUs, exact, without zeros that say nothing. */
export interface Sums {
  held: string;
  used: string;
}

/** An organization with a person, on a database of its own. */
export async function quotaSite(t: { teardown(end: () => Promise<void>): void }): Promise<QuotaSite> {
  const { db, url, drop } = await freshDatabase();
  t.teardown(drop);
  const organizationId = newId('organization');
  await db('organizations').insert({ id: organizationId, name: 'Acme', created_at: QUOTA_START, last_at: QUOTA_START });
  const { userId } = await insertPerson(db, organizationId, 'manager', QUOTA_START);
  await createTestOwners(db);
  const project = () => insertReviewing(db, organizationId, userId);
  const grant: QuotaSite['grant'] = (projectId, amounts, from = QUOTA_START, until = after(40), at = QUOTA_START) =>
    inTransaction(db, (tx) => grantQuota(tx, { organizationId, projectId, amounts, from, until }, { at, by }));
  const job = async () => {
    const id = newId('operation');
    await db('test_jobs').insert({ organization_id: organizationId, id });
    return id;
  };
  const wish: QuotaSite['wish'] = (projectId, jobId, amounts, expiresAt = after(1)) => ({ member: asActiveMember({ organizationId, projectId, userId }), owner: { kind: OWNER_KIND, id: jobId }, amounts, expiresAt });
  return {
    db, url, organizationId, userId, project, grant, job, wish,
    granted: async (amounts) => {
      const id = await project();
      await grant(id, amounts);
      return id;
    },
    capacity: (amounts, at = QUOTA_START) => inTransaction(db, (tx) => editCapacity(tx, { organizationId, amounts, prices: null }, { at, by })),
    endJob: async (id) => void (await db('test_jobs').where({ id }).update({ ended: true })),
    hold: async (projectId, amounts, at = QUOTA_START, expiresAt = after(1)) => {
      const jobId = await job();
      return await inTransaction(db, (tx) => holdQuota(tx, wish(projectId, jobId, amounts, expiresAt), { at, by }));
    },
    sums: (projectId) => sumsOf(db, projectId),
  };
}

async function sumsOf(db: Database, projectId: string): Promise<{ row: Sums; allocations: Sums }> {
  const result = await db.raw<{ rows: [Record<string, string>] }>(
    `select trim_scale(held_gpu)::text as held, trim_scale(used_gpu)::text as used,
       (select trim_scale(coalesce(sum(gpu) filter (where state = 'held'), 0))::text from quota_allocations a where a.project_id = q.project_id) as held_by_all,
       (select trim_scale(coalesce(sum(gpu) filter (where state = 'committed'), 0))::text from quota_allocations a where a.project_id = q.project_id) as used_by_all
     from project_quotas q where project_id = ?`,
    [projectId],
  );
  const { held = '', used = '', held_by_all = '', used_by_all = '' } = result.rows[0];
  return { row: { held, used }, allocations: { held: held_by_all, used: used_by_all } };
}
