import type { Application } from '../../domain/projects/application.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Reads and locks an application until the transaction ends, its project first. */
export async function lockApplication(tx: Transaction, organizationId: string, id: string): Promise<Application | null> {
  const { rows } = await tx.raw<{ rows: { over: boolean }[] }>(
    `select p.state in ('releasing', 'released', 'deleted') as over from applications a join projects p on p.organization_id = a.organization_id and p.id = a.project_id
     where a.organization_id = ? and a.id = ? for update of p`,
    [organizationId, id],
  );
  const row = await tx('applications').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : { ...toApplication(row), projectOver: rows[0]?.over === true };
}

export async function getApplication(db: Database | Transaction, organizationId: string, id: string): Promise<Application | null> {
  const row = await db('applications').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toApplication(row);
}

export async function organizationOfApplication(db: Database, id: string): Promise<string | null> {
  const row = await db('applications').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Writes a new application. Violates `applications_one_open` while another of its type is open for the project. */
export async function insertApplication(tx: Transaction, application: Application): Promise<void> {
  await tx('applications').insert({
    id: application.id,
    organization_id: application.organizationId,
    type: application.type,
    project_id: application.projectId,
    applicant_user_id: application.applicantUserId,
    reason: application.reason,
    extension_days: application.extensionDays,
    additional_gpus: application.additionalGpus,
    quota: application.quota === null ? null : JSON.stringify(application.quota),
    escalates_at: application.escalatesAt,
    expires_at: application.expiresAt,
    created_at: application.createdAt,
    ...toColumns(application),
  });
}

export async function saveApplication(tx: Transaction, application: Application): Promise<void> {
  await tx('applications').where({ organization_id: application.organizationId, id: application.id }).update(toColumns(application));
}

/** Applications under review of a project. */
export async function openApplicationsOf(db: Database | Transaction, organizationId: string, projectId: string): Promise<Application[]> {
  const rows = await db('applications').where({ organization_id: organizationId, project_id: projectId, state: 'reviewing' }).orderBy('id').select<Row[]>('*');
  return rows.map(toApplication);
}

/** Ids of applications of a project whose deadline has passed: they are settled before anybody applies anew. */
export async function overdueApplicationsOf(tx: Transaction, organizationId: string, projectId: string, at: Instant): Promise<string[]> {
  return await tx('applications').where({ organization_id: organizationId, project_id: projectId }).where('next_due_at', '<=', at).orderBy('id').pluck<string[]>('id');
}

/** Ids of the projects of applications for which something is due. */
export async function overdueProjectsOf(db: Database, organizationId: string, applicationIds: readonly string[], at: Instant): Promise<string[]> {
  const concerned = db('applications').where('organization_id', organizationId).whereIn('id', [...applicationIds]).select('project_id');
  return await db('projects').where('organization_id', organizationId).whereIn('id', concerned).where('next_due_at', '<=', at).orderBy('id').pluck<string[]>('id');
}

/** Locks the projects of these applications until the transaction ends, in the order of their ids. */
export async function lockProjectsOf(tx: Transaction, organizationId: string, applicationIds: readonly string[]): Promise<void> {
  const concerned = tx('applications').where('organization_id', organizationId).whereIn('id', [...applicationIds]).select('project_id');
  await tx('projects').where('organization_id', organizationId).whereIn('id', concerned).orderBy('id').forUpdate().select('id');
}

function toColumns(application: Application): Row {
  return {
    state: application.state,
    remark: application.remark,
    start_date: application.startDate,
    end_date: application.endDate,
    next_start_date: application.nextStartDate,
    next_end_date: application.nextEndDate,
    old_gpus: application.oldGpus,
    new_gpus: application.newGpus,
    no_room_at: application.noRoom?.at ?? null,
    no_room_first_fit_date: application.noRoom?.firstFitDate ?? null,
    delegate_user_id: application.delegateUserId,
    escalated_at: application.escalatedAt,
    decided_at: application.decidedAt,
    decided_by: application.decidedBy === null ? null : JSON.stringify(application.decidedBy),
    decided_as: application.decidedAs,
    next_due_at: application.nextDueAt,
    version: application.version,
    last_at: application.lastAt,
  };
}

export function toApplication(row: Row): Application {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    type: row.type as Application['type'],
    projectId: row.project_id as string,
    state: row.state as Application['state'],
    applicantUserId: row.applicant_user_id as string,
    reason: row.reason as string,
    remark: row.remark as string | null,
    startDate: row.start_date as string,
    endDate: row.end_date as string,
    extensionDays: row.extension_days as number | null,
    nextStartDate: row.next_start_date as string | null,
    nextEndDate: row.next_end_date as string | null,
    additionalGpus: row.additional_gpus as string | null,
    oldGpus: row.old_gpus as string | null,
    newGpus: row.new_gpus as string | null,
    quota: row.quota as Application['quota'],
    noRoom: row.no_room_at === null ? null : { at: row.no_room_at as string, firstFitDate: row.no_room_first_fit_date as string | null },
    delegateUserId: row.delegate_user_id as string | null,
    escalatesAt: row.escalates_at as string,
    escalatedAt: row.escalated_at as string | null,
    expiresAt: row.expires_at as string,
    decidedAt: row.decided_at as string | null,
    decidedBy: row.decided_by as Application['decidedBy'],
    decidedAs: row.decided_as as Application['decidedAs'],
    projectOver: false,
    nextDueAt: row.next_due_at as string | null,
    version: row.version as number,
    createdAt: row.created_at as string,
    lastAt: row.last_at as string,
  };
}
