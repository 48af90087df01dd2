import type { Application, ApplicationState, ApplicationType } from '../../domain/projects/application.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { toApplication } from './application-store.ts';

type Row = Record<string, unknown>;

/** An application with the names that a list shows. */
export interface ListedApplication {
  application: Application;
  projectCode: string;
  projectName: string;
  timeZone: string;
  purpose: { id: string; name: string } | null;
  applicant: { id: string; displayName: string; email: string };
  delegate: { id: string; displayName: string } | null;
}

export interface ApplicationFilter {
  /** Only what this person may see: their own, and those of projects that they manage. */
  visibleTo?: string | undefined;
  projectId?: string | undefined;
  applicantUserId?: string | undefined;
  delegateUserId?: string | undefined;
  types?: readonly ApplicationType[] | undefined;
  states?: readonly ApplicationState[] | undefined;
  /** Part of the project's name or code, or of the applicant's name or address. */
  search?: string | undefined;
}

/** What the list can be sorted by, and the column of each. */
export const APPLICATION_SORTS = {
  application_date: 'a.created_at',
  project_name: 'p.name',
  applicant: 'u.display_name',
  type: 'a.type',
  status: 'a.state',
} as const;
export type ApplicationSort = keyof typeof APPLICATION_SORTS;

export interface ApplicationPage {
  limit: number;
  sort: ApplicationSort;
  descending: boolean;
  /** Value of the sorted column and id of the last one of the page before. */
  after: [string, string] | null;
}

/** Applications of an organization with their names; `total` counts all that match. */
export async function listApplications(db: Database, organizationId: string, filter: ApplicationFilter, page: ApplicationPage): Promise<{ rows: ListedApplication[]; total: number }> {
  const matching = filtered(db, joined(db, organizationId), filter);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const [column, order] = [APPLICATION_SORTS[page.sort], page.descending ? 'desc' : 'asc'];
  const rows = selected(matching.clone()).orderBy([{ column, order }, { column: 'a.id', order }]).limit(page.limit);
  if (page.after !== null) void rows.whereRaw(`(??, a.id) ${page.descending ? '<' : '>'} (?, ?)`, [column, ...page.after]);
  return { rows: ((await rows) as Row[]).map(toListed), total: counted?.count ?? 0 };
}

/** One application as the list shows it, or null. */
export async function getListedApplication(db: Database | Transaction, organizationId: string, id: string): Promise<ListedApplication | null> {
  const row = (await selected(joined(db, organizationId).where('a.id', id)).first()) as Row | undefined;
  return row === undefined ? null : toListed(row);
}

function joined(db: Database | Transaction, organizationId: string) {
  return db('applications as a')
    .join('projects as p', 'p.id', 'a.project_id')
    .join('users as u', 'u.id', 'a.applicant_user_id')
    .leftJoin('users as d', 'd.id', 'a.delegate_user_id')
    .leftJoin('project_purposes as pp', 'pp.id', 'p.purpose_id')
    .where('a.organization_id', organizationId);
}

type Joined = ReturnType<typeof joined>;

function filtered(db: Database, query: Joined, filter: ApplicationFilter): Joined {
  const { visibleTo, projectId, applicantUserId, delegateUserId, types, states, search } = filter;
  if (visibleTo !== undefined) {
    const managed = db('project_members').select('project_id').where({ user_id: visibleTo, role: 'manager' });
    void query.where((either) => void either.where('a.applicant_user_id', visibleTo).orWhereIn('a.project_id', managed));
  }
  if (projectId !== undefined) void query.where('a.project_id', projectId);
  if (applicantUserId !== undefined) void query.where('a.applicant_user_id', applicantUserId);
  if (delegateUserId !== undefined) void query.where('a.delegate_user_id', delegateUserId);
  if (types !== undefined) void query.whereIn('a.type', [...types]);
  if (states !== undefined) void query.whereIn('a.state', [...states]);
  if (search !== undefined) {
    const pattern = `%${escapeLike(search)}%`;
    const columns = ['p.name', 'p.code', 'u.display_name', 'u.email'];
    void query.where((either) => columns.forEach((column) => void either.orWhereILike(column, pattern)));
  }
  return query;
}

function selected(query: Joined) {
  return query.select(
    'a.*', 'p.code as project_code', 'p.name as project_name', 'p.time_zone', 'p.purpose_id', 'pp.name as purpose_name',
    'u.display_name as applicant_name', 'u.email as applicant_email', 'd.display_name as delegate_name',
  );
}

function toListed(row: Row): ListedApplication {
  const application = toApplication(row);
  return {
    application,
    projectCode: row.project_code as string,
    projectName: row.project_name as string,
    timeZone: row.time_zone as string,
    purpose: row.purpose_id === null ? null : { id: row.purpose_id as string, name: row.purpose_name as string },
    applicant: { id: application.applicantUserId, displayName: row.applicant_name as string, email: row.applicant_email as string },
    delegate: application.delegateUserId === null ? null : { id: application.delegateUserId, displayName: row.delegate_name as string },
  };
}
