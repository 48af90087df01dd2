import type { Organization } from '../../domain/organizations/organization.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';

export async function insertOrganization(tx: Transaction, organization: Organization): Promise<void> {
  await tx('organizations').insert({
    id: organization.id,
    name: organization.name,
    version: organization.version,
    created_at: organization.createdAt,
    last_at: organization.lastAt,
  });
}

export async function organizationExists(db: Database, id: string): Promise<boolean> {
  return (await db('organizations').where('id', id).first('id')) !== undefined;
}

export async function getOrganization(db: Database | Transaction, id: string): Promise<Organization | null> {
  const row = await db('organizations').where('id', id).first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toOrganization(row);
}

/** Reads and locks an organization until the transaction ends. */
export async function lockOrganization(tx: Transaction, id: string): Promise<Organization | null> {
  const row = await tx('organizations').where('id', id).forNoKeyUpdate().first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toOrganization(row);
}

export async function saveOrganization(tx: Transaction, organization: Organization): Promise<void> {
  await tx('organizations')
    .where('id', organization.id)
    .update({ name: organization.name, version: organization.version, last_at: organization.lastAt });
}

export type OrganizationSort = 'name' | '-name' | 'created_at' | '-created_at';

export interface ListedOrganization extends Organization {
  /** The role of the one who asks; null for a platform administrator who is no member. */
  role: OrganizationRole | null;
}

export interface OrganizationPage {
  limit: number;
  sort: OrganizationSort;
  /** Sort value and id of the last item of the page before. */
  after: [string, string] | null;
}

/**
 * The organizations that `userId` is a member of (all of them when `everything`), or only `onlyId`.
 * `total` counts all that match.
 */
export async function listOrganizations(
  db: Database,
  scope: { userId: string; everything: boolean; onlyId: string | null },
  filter: { search?: string | undefined },
  page: OrganizationPage,
): Promise<{ rows: ListedOrganization[]; total: number }> {
  const matching = db('organizations as o').leftJoin('memberships as m', (join) => {
    join.on('m.organization_id', 'o.id').andOnVal('m.user_id', scope.userId);
  });
  if (!scope.everything) void matching.whereNotNull('m.role');
  if (scope.onlyId !== null) void matching.where('o.id', scope.onlyId);
  if (filter.search !== undefined) void matching.whereILike('o.name', `%${escapeLike(filter.search)}%`);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const descending = page.sort.startsWith('-');
  const column = page.sort.endsWith('name') ? 'o.name' : 'o.created_at';
  const direction = descending ? 'desc' : 'asc';
  const rows = matching.clone().select('o.*', 'm.role').orderBy([{ column, order: direction }, { column: 'o.id', order: direction }]).limit(page.limit);
  if (page.after !== null) void rows.whereRaw(`(??, o.id) ${descending ? '<' : '>'} (?, ?)`, [column, ...page.after]);
  return {
    rows: ((await rows) as Record<string, unknown>[]).map((row) => ({ ...toOrganization(row), role: row.role as OrganizationRole | null })),
    total: counted?.count ?? 0,
  };
}

function toOrganization(row: Record<string, unknown>): Organization {
  return {
    id: row.id as string,
    name: row.name as string,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
  };
}
