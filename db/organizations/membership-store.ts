import type { Membership } from '../../domain/organizations/organization.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { prepared } from '../shared/prepared.ts';

/** The role of a user in an organization, or null. */
export async function findMembershipRole(db: Database | Transaction, organizationId: string, userId: string): Promise<OrganizationRole | null> {
  const row = await prepared(db('memberships').where({ organization_id: organizationId, user_id: userId }).first<{ role: OrganizationRole } | undefined>('role'));
  return row?.role ?? null;
}

/**
 * The role of a user in an organization, who then stays a member until the transaction ends; null for nobody, and for somebody who is
 * just being removed. Waits for nobody, so it may be asked whatever is locked.
 */
export async function holdMembershipRole(tx: Transaction, organizationId: string, userId: string): Promise<OrganizationRole | null> {
  const query = tx('memberships')
    .where({ organization_id: organizationId, user_id: userId })
    .forKeyShare()
    .skipLocked()
    .first<{ role: OrganizationRole } | undefined>('role');
  const row = await prepared(query);
  return row?.role ?? null;
}

/** Adds a membership; false, and nothing is written, when the user is a member already. */
export async function insertMembership(tx: Transaction, membership: Membership): Promise<boolean> {
  const rows = await tx('memberships')
    .insert({
      organization_id: membership.organizationId,
      user_id: membership.userId,
      role: membership.role,
      version: membership.version,
      created_at: membership.createdAt,
    })
    .onConflict(['organization_id', 'user_id'])
    .ignore()
    .returning('user_id');
  return rows.length === 1;
}

/** Reads a membership. Its organization's row is the lock: take that first. */
export async function getMembership(tx: Transaction, organizationId: string, userId: string): Promise<Membership | null> {
  const row = await tx('memberships')
    .where({ organization_id: organizationId, user_id: userId })
    .first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toMembership(row);
}

export async function saveMembership(tx: Transaction, membership: Membership): Promise<void> {
  await tx('memberships')
    .where({ organization_id: membership.organizationId, user_id: membership.userId })
    .update({ role: membership.role, version: membership.version });
}

export async function deleteMembership(tx: Transaction, organizationId: string, userId: string): Promise<void> {
  await tx('memberships').where({ organization_id: organizationId, user_id: userId }).delete();
}

/** How many managers an organization has whose account is not disabled. */
export async function countManagers(tx: Transaction, organizationId: string): Promise<number> {
  const [counted] = await tx('memberships')
    .join('users', 'users.id', 'memberships.user_id')
    .where({ organization_id: organizationId, role: 'manager' })
    .whereNull('users.disabled_at')
    .count<{ count: number }[]>('* as count');
  return counted?.count ?? 0;
}

export interface Member extends Membership {
  email: string;
  displayName: string;
  disabled: boolean;
}

export interface MemberFilter {
  search?: string | undefined;
  role?: OrganizationRole | undefined;
}

export type MemberSort = 'display_name' | '-display_name' | 'email' | '-email' | 'created_at' | '-created_at';

/** The organization's members; `total` counts all that match, `after` is sort value and user id of the last one shown. */
export async function listMembers(
  db: Database,
  organizationId: string,
  filter: MemberFilter,
  page: { limit: number; sort: MemberSort; after: [string, string] | null },
): Promise<{ rows: Member[]; total: number }> {
  const matching = membersOf(db, organizationId);
  if (filter.role !== undefined) void matching.where('m.role', filter.role);
  const { search } = filter;
  if (search !== undefined) {
    const pattern = `%${escapeLike(search)}%`;
    void matching.where((either) => void either.whereILike('u.email', pattern).orWhereILike('u.display_name', pattern));
  }
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const descending = page.sort.startsWith('-');
  const name = page.sort.replace(/^-/, '');
  const column = name === 'created_at' ? 'm.created_at' : `u.${name}`;
  const order = descending ? 'desc' : 'asc';
  const rows = selectMembers(matching.clone()).orderBy([{ column, order }, { column: 'u.id', order }]).limit(page.limit);
  if (page.after !== null) void rows.whereRaw(`(??, u.id) ${descending ? '<' : '>'} (?, ?)`, [column, ...page.after]);
  return { rows: ((await rows) as Record<string, unknown>[]).map(toMember), total: counted?.count ?? 0 };
}

/** One member with name and address, or null. */
export async function getMember(db: Database | Transaction, organizationId: string, userId: string): Promise<Member | null> {
  const row = (await selectMembers(membersOf(db, organizationId).where('m.user_id', userId)).first()) as Record<string, unknown> | undefined;
  return row === undefined ? null : toMember(row);
}

function membersOf(db: Database | Transaction, organizationId: string) {
  return db('memberships as m').join('users as u', 'u.id', 'm.user_id').where('m.organization_id', organizationId);
}

function selectMembers(query: ReturnType<typeof membersOf>) {
  return query.select('m.*', 'u.email', 'u.display_name', 'u.disabled_at');
}

function toMember(row: Record<string, unknown>): Member {
  return {
    ...toMembership(row),
    email: row.email as string,
    displayName: row.display_name as string,
    disabled: row.disabled_at !== null,
  };
}

function toMembership(row: Record<string, unknown>): Membership {
  return {
    organizationId: row.organization_id as string,
    userId: row.user_id as string,
    role: row.role as OrganizationRole,
    version: row.version as number,
    createdAt: row.created_at as Instant,
  };
}
