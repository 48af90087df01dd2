import type { Project, ProjectPeriod, ProjectRole } from '../../domain/projects/project.ts';
import { plainAmount } from '../../domain/quotas/amounts.ts';
import type { ReleaseStep } from '../../domain/projects/release.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { readReleaseSteps, saveReleaseSteps } from './release-step-store.ts';

type Row = Record<string, unknown>;

/** Of the projects whose next step takes the organization's capacity, or frees some. */
export const NEEDS_CAPACITY = `(state = 'releasing' or (state in ('scheduled', 'buffer') and started_at is null))`;

/** Reads and locks a project until the transaction ends, with its people and the parts of its release. */
export async function lockProjectRow(tx: Transaction, organizationId: string, id: string): Promise<Project | null> {
  const row = await tx('projects').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : await whole(tx, row);
}

/** `lockProjectRow` in one statement less for a project that needs no capacity; null for others, which may exist. */
export async function lockProjectWithoutCapacity(tx: Transaction, organizationId: string, id: string): Promise<Project | null> {
  const row = await tx('projects').where({ organization_id: organizationId, id }).whereRaw(`not ${NEEDS_CAPACITY}`).forUpdate().first<Row | undefined>();
  return row === undefined ? null : await whole(tx, row);
}

export async function getProject(db: Database | Transaction, organizationId: string, id: string): Promise<Project | null> {
  const row = await db('projects').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : await whole(db, row);
}

/** Projects that time alone will move until `to`, by their ids, with their people: at most `limit` of them after `after`. */
export async function projectsDueUntil(db: Database, organizationId: string, to: string, page: { after: string; limit: number }): Promise<Project[]> {
  const rows = await db('projects')
    .where('organization_id', organizationId)
    .where('next_due_at', '<=', to)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .select<Row[]>();
  const people = await peopleOf(db, rows.map((row) => row.id as string));
  return rows.map((row) => toProject(row, people.get(row.id as string) ?? [], []));
}

export async function organizationOfProject(db: Database, id: string): Promise<string | null> {
  const row = await db('projects').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Whether its start may depend on capacity that others hold, or its end frees some: then the capacity is locked first. */
export async function needsCapacity(tx: Transaction, organizationId: string, id: string): Promise<boolean> {
  const row = await tx('projects')
    .where({ organization_id: organizationId, id })
    .first<{ needs: boolean } | undefined>(tx.raw(`${NEEDS_CAPACITY} as needs`));
  return row?.needs === true;
}

/** Writes a new project. Violates `projects_code_once` when its code is taken. */
export async function insertProject(tx: Transaction, project: Project): Promise<void> {
  await tx('projects').insert({
    id: project.id,
    organization_id: project.organizationId,
    code: project.code,
    purpose_id: project.purposeId,
    time_zone: project.timeZone,
    created_by: JSON.stringify(project.createdBy),
    created_at: project.createdAt,
    ...toColumns(project),
  });
  await insertPeople(tx, project, peopleRows(project));
}

/** Writes what differs. */
export async function saveProject(tx: Transaction, before: Project, after: Project): Promise<void> {
  await tx('projects').where({ organization_id: after.organizationId, id: after.id }).update(toColumns(after));
  const [was, is] = [peopleRows(before), peopleRows(after)];
  const key = ({ userId, role }: Person): string => `${userId} ${role}`;
  const [known, wanted] = [new Set(was.map(key)), new Set(is.map(key))];
  const gone = was.filter((one) => !wanted.has(key(one))).map(({ userId }) => userId);
  if (gone.length > 0) await tx('project_members').where('project_id', after.id).whereIn('user_id', gone).delete();
  await insertPeople(tx, after, is.filter((one) => !known.has(key(one))));
  await saveReleaseSteps(tx, before, after);
}

interface Person {
  userId: string;
  role: ProjectRole;
}

function peopleRows({ managers, members }: Pick<Project, 'managers' | 'members'>): Person[] {
  return [...managers.map((userId) => ({ userId, role: 'manager' as const })), ...members.map((userId) => ({ userId, role: 'member' as const }))];
}

async function insertPeople(tx: Transaction, { id, organizationId }: Project, people: readonly Person[]): Promise<void> {
  if (people.length === 0) return;
  await tx('project_members').insert(people.map(({ userId, role }) => ({ organization_id: organizationId, project_id: id, user_id: userId, role })));
}

async function whole(db: Database | Transaction, row: Row): Promise<Project> {
  const [project] = await toProjects(db, [row]);
  return project as Project;
}

/** Projects of rows, with their people and the parts of their releases, in the rows' order. */
export async function toProjects(db: Database | Transaction, rows: readonly Row[]): Promise<Project[]> {
  const ids = rows.map((row) => row.id as string);
  const people = await peopleOf(db, ids);
  const steps = await readReleaseSteps(db, rows.filter((row) => (row.buffer_number as number) > 0).map((row) => row.id as string));
  return rows.map((row) => toProject(row, people.get(row.id as string) ?? [], steps.get(row.id as string) ?? []));
}

async function peopleOf(db: Database | Transaction, projectIds: readonly string[]): Promise<Map<string, Person[]>> {
  const rows = await db('project_members')
    .whereIn('project_id', [...projectIds])
    .orderBy('user_id')
    .select<{ project_id: string; user_id: string; role: ProjectRole }[]>('project_id', 'user_id', 'role');
  const people = new Map<string, Person[]>();
  for (const row of rows) people.set(row.project_id, [...(people.get(row.project_id) ?? []), { userId: row.user_id, role: row.role }]);
  return people;
}

function toColumns(project: Project): Row {
  const columns = columnsOf(project);
  return { ...columns, periods: JSON.stringify(columns.periods) };
}

/** What may change of a project, by its columns, as JSON has it. */
export function columnsOf(project: Project): Row {
  const periods = project.periods.map(({ startDate, endDate, applicationId }) => ({ start_date: startDate, end_date: endDate, application_id: applicationId }));
  return {
    name: project.name,
    description: project.description,
    start_date: project.startDate,
    end_date: project.endDate,
    starts_at: project.startsAt,
    ends_at: project.endsAt,
    periods,
    state: project.state,
    state_reason: project.stateReason,
    quota_gpu: project.quota.gpu,
    quota_cpu: project.quota.cpu,
    quota_ram_gib: project.quota.ram_gib,
    warn_days: [...project.warnDays],
    approved_at: project.approvedAt,
    started_at: project.startedAt,
    noticed_until: project.noticedUntil,
    waiting_since: project.waitingSince,
    waiting_for: [...project.waitingFor],
    buffer_number: project.bufferNumber,
    buffer_entered_at: project.bufferEnteredAt,
    buffer_reason: project.bufferReason,
    buffer_ends_at: project.bufferEndsAt,
    pending_extension_id: project.pendingExtensionId,
    pending_extension_expires_at: project.pendingExtensionExpiresAt,
    release_held_until: project.releaseHeldUntil,
    released_at: project.releasedAt,
    next_due_at: project.nextDueAt,
    version: project.version,
    last_at: project.lastAt,
  };
}

function toProject(row: Row, people: readonly Person[], releaseSteps: ReleaseStep[]): Project {
  const idsOf = (role: ProjectRole): string[] => people.filter((one) => one.role === role).map(({ userId }) => userId);
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    code: row.code as string,
    name: row.name as string,
    description: row.description as string,
    purposeId: row.purpose_id as string | null,
    timeZone: row.time_zone as string,
    startDate: row.start_date as string,
    endDate: row.end_date as string,
    startsAt: row.starts_at as string,
    endsAt: row.ends_at as string,
    periods: toPeriods(row.periods),
    state: row.state as Project['state'],
    stateReason: row.state_reason as Project['stateReason'],
    quota: { gpu: plainAmount(row.quota_gpu as string), cpu: amountOrNull(row.quota_cpu), ram_gib: amountOrNull(row.quota_ram_gib) },
    warnDays: row.warn_days as number[],
    approvedAt: row.approved_at as string | null,
    startedAt: row.started_at as string | null,
    noticedUntil: row.noticed_until as string | null,
    waitingSince: row.waiting_since as string | null,
    waitingFor: row.waiting_for as string[],
    bufferNumber: row.buffer_number as number,
    bufferEnteredAt: row.buffer_entered_at as string | null,
    bufferReason: row.buffer_reason as Project['bufferReason'],
    bufferEndsAt: row.buffer_ends_at as string | null,
    pendingExtensionId: row.pending_extension_id as string | null,
    pendingExtensionExpiresAt: row.pending_extension_expires_at as string | null,
    releaseHeldUntil: row.release_held_until as string | null,
    releasedAt: row.released_at as string | null,
    createdBy: row.created_by as Actor,
    managers: idsOf('manager'),
    members: idsOf('member'),
    releaseSteps,
    nextDueAt: row.next_due_at as string | null,
    version: row.version as number,
    lastAt: row.last_at as string,
    createdAt: row.created_at as string,
    room: null,
    hasOpenBookings: false,
    news: [],
  };
}

/** Periods as the row keeps them. */
export function toPeriods(value: unknown): ProjectPeriod[] {
  const rows = value as { start_date: string; end_date: string; application_id: string | null }[];
  return rows.map((one) => ({ startDate: one.start_date, endDate: one.end_date, applicationId: one.application_id }));
}

function amountOrNull(value: unknown): string | null {
  return value === null ? null : plainAmount(value as string);
}
