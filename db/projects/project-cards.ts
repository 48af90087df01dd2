import type { Project, ProjectPeriod, ProjectRole, ProjectState } from '../../domain/projects/project.ts';
import { quotaSumsOfProjects, type QuotaView } from '../quotas/quota-list.ts';
import type { Database } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { countsOfProjects, NOTHING, type CardCounts } from './card-counts.ts';
import { toPeriods } from './project-store.ts';

type Row = Record<string, unknown>;

/** Whose list it is: what they are in, or everything of the organization. */
export interface Viewer {
  userId: string;
  seesAll: boolean;
}

export const PROJECT_SORTS = ['name', 'start_date', 'end_date', 'created_at'] as const;
export type ProjectSort = (typeof PROJECT_SORTS)[number];

export interface ProjectFilter {
  search?: string | undefined;
  states?: readonly ProjectState[] | undefined;
  purposeId?: string | undefined;
}

export interface Named {
  id: string;
  displayName: string;
}

type CardFields = Pick<
  Project,
  | 'id' | 'code' | 'name' | 'description' | 'purposeId' | 'timeZone' | 'startDate' | 'endDate' | 'startsAt' | 'endsAt' | 'state' | 'stateReason'
  | 'bufferReason' | 'bufferEndsAt' | 'releaseHeldUntil' | 'pendingExtensionId' | 'waitingSince' | 'version' | 'createdAt'
>;

/** A project as a card shows it. */
export interface ProjectCard extends CardFields {
  sortName: string;
  periods: ProjectPeriod[];
  managers: Named[];
  members: Named[];
  /** What it has now, or will. */
  counts: CardCounts;
  quota: QuotaView | null;
  /** Of the viewer in it; null when they only see it as a manager of the organization. */
  role: ProjectRole | null;
}

const SORT_COLUMNS: Record<ProjectSort, string> = { name: 'lower(p.name)', start_date: 'p.start_date', end_date: 'p.end_date', created_at: 'p.created_at' };

/** Lower case is the database's: a page token must mean the same to it. */
const cardColumns = (db: Database) => ['p.*', db.raw('lower(p.name) as sort_name')] as const;

/** Projects of an organization that the viewer may see, as cards; `after` is sort value and id of the last one shown. */
export async function listProjectCards(
  db: Database,
  organizationId: string,
  viewer: Viewer,
  filter: ProjectFilter,
  page: { limit: number; sort: ProjectSort; descending: boolean; after: readonly [string, string] | null },
): Promise<{ rows: ProjectCard[]; total: number }> {
  const matching = visible(db, organizationId, viewer);
  if (filter.states !== undefined) void matching.whereIn('p.state', [...filter.states]);
  if (filter.purposeId !== undefined) void matching.where('p.purpose_id', filter.purposeId);
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    void matching.where((either) => void either.whereILike('p.name', pattern).orWhereILike('p.code', pattern).orWhereILike('p.description', pattern));
  }
  const counted = matching.clone().count<{ count: number }[]>('* as count');
  const column = SORT_COLUMNS[page.sort];
  const order = page.descending ? 'desc' : 'asc';
  const rows = matching.clone().orderByRaw(`${column} ${order}, p.id ${order}`).limit(page.limit).select<Row[]>(...cardColumns(db));
  if (page.after !== null) void rows.whereRaw(`(${column}, p.id) ${page.descending ? '<' : '>'} (?, ?)`, [...page.after]);
  const [[total], found] = await Promise.all([counted, rows]);
  return { rows: await cardsOf(db, organizationId, viewer, found), total: total?.count ?? 0 };
}

/** The sort's value of a card, as a page token keeps it. */
export function sortValueOf(card: ProjectCard, sort: ProjectSort): string {
  return { name: card.sortName, start_date: card.startDate, end_date: card.endDate, created_at: card.createdAt }[sort];
}

/** Names of those of these projects that the viewer may see. */
export async function visibleNames(db: Database, organizationId: string, viewer: Viewer, ids: readonly string[]): Promise<{ id: string; name: string }[]> {
  if (ids.length === 0) return [];
  return await visible(db, organizationId, viewer).whereIn('p.id', [...ids]).orderBy('p.id').select<{ id: string; name: string }[]>('p.id', 'p.name');
}

/** One project as a card, whoever may see it; null when there is none. */
export async function getProjectCard(db: Database, organizationId: string, viewer: Viewer, id: string): Promise<ProjectCard | null> {
  const rows = await db('projects as p').where({ 'p.organization_id': organizationId, 'p.id': id }).select<Row[]>(...cardColumns(db));
  return (await cardsOf(db, organizationId, viewer, rows))[0] ?? null;
}

function visible(db: Database, organizationId: string, { userId, seesAll }: Viewer) {
  const all = db('projects as p').where('p.organization_id', organizationId);
  return seesAll ? all : all.whereIn('p.id', db('project_members').select('project_id').where({ organization_id: organizationId, user_id: userId }));
}

async function cardsOf(db: Database, organizationId: string, { userId }: Viewer, rows: readonly Row[]): Promise<ProjectCard[]> {
  const ids = rows.map((row) => row.id as string);
  if (ids.length === 0) return [];
  // One after the other: inside a transaction there is one connection.
  const people = await db('project_members as m')
    .join('users as u', 'u.id', 'm.user_id')
    .whereIn('m.project_id', ids)
    .orderBy(['u.display_name', 'u.id'])
    .select<{ project_id: string; id: string; display_name: string; role: ProjectRole }[]>('m.project_id', 'u.id', 'u.display_name', 'm.role');
  const counts = await countsOfProjects(db, organizationId, ids);
  const quotas = await quotaSumsOfProjects(db, organizationId, ids);
  const peopleOf = Map.groupBy(people, (one) => one.project_id);
  return rows.map((row) => {
    const id = row.id as string;
    const inIt = peopleOf.get(id) ?? [];
    const named = (role: ProjectRole): Named[] => inIt.filter((one) => one.role === role).map((one) => ({ id: one.id, displayName: one.display_name }));
    return {
      ...toFields(row),
      managers: named('manager'),
      members: named('member'),
      counts: counts.get(id) ?? NOTHING,
      quota: quotas.get(id) ?? null,
      role: inIt.find((one) => one.id === userId)?.role ?? null,
    };
  });
}

function toFields(row: Row): CardFields & Pick<ProjectCard, 'periods' | 'sortName'> {
  return {
    sortName: row.sort_name as string,
    id: row.id as string,
    code: row.code as string,
    name: row.name as string,
    description: row.description as string,
    purposeId: row.purpose_id as string | null,
    timeZone: row.time_zone as string,
    startDate: row.start_date as string,
    endDate: row.end_date as string,
    startsAt: row.starts_at as string,
    endsAt: row.ends_at as string,
    state: row.state as ProjectState,
    stateReason: row.state_reason as Project['stateReason'],
    bufferReason: row.buffer_reason as Project['bufferReason'],
    bufferEndsAt: row.buffer_ends_at as string | null,
    releaseHeldUntil: row.release_held_until as string | null,
    pendingExtensionId: row.pending_extension_id as string | null,
    waitingSince: row.waiting_since as string | null,
    version: row.version as number,
    createdAt: row.created_at as string,
    periods: toPeriods(row.periods),
  };
}
