import type { Invitation, InvitationState } from '../../domain/organizations/invitation.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';

type Row = Record<string, unknown>;

export async function insertInvitation(tx: Transaction, invitation: Invitation, tokenHash: Buffer): Promise<void> {
  await tx('invitations').insert({
    id: invitation.id,
    organization_id: invitation.organizationId,
    address: invitation.address,
    role: invitation.role,
    invited_by: invitation.invitedBy,
    token_hash: tokenHash,
    created_at: invitation.createdAt,
    ...toColumns(invitation),
  });
}

/** Writes an invitation; `tokenHash`: of a new letter, in place of the one before. */
export async function saveInvitation(tx: Transaction, invitation: Invitation, tokenHash: Buffer | null = null): Promise<void> {
  await tx('invitations')
    .where({ organization_id: invitation.organizationId, id: invitation.id })
    .update({ ...toColumns(invitation), ...(tokenHash !== null && { token_hash: tokenHash }) });
}

/** Reads and locks an invitation until the transaction ends. Its organization's row comes before it. */
export async function lockInvitation(tx: Transaction, organizationId: string, id: string): Promise<Invitation | null> {
  const row = await tx('invitations').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toInvitation(row);
}

/** Locks the invitation of an address that its organization waits for, or null. */
export async function lockPendingInvitation(tx: Transaction, organizationId: string, address: string): Promise<Invitation | null> {
  const row = await tx('invitations')
    .where({ organization_id: organizationId, state: 'pending' })
    .whereRaw('lower(address) = lower(?)', [address])
    .forUpdate()
    .first<Row | undefined>();
  return row === undefined ? null : toInvitation(row);
}

/** The invitation whose newest letter has this secret's digest, in whatever state, or null. */
export async function findInvitationByToken(db: Database | Transaction, tokenHash: Buffer): Promise<(Invitation & { organizationName: string }) | null> {
  const row = await db('invitations as i')
    .join('organizations as o', 'o.id', 'i.organization_id')
    .where('i.token_hash', tokenHash)
    .first<Row | undefined>('i.*', 'o.name as organization_name');
  return row === undefined ? null : { ...toInvitation(row), organizationName: row.organization_name as string };
}

/** Whether any organization waits for somebody with this address. */
export async function hasOpenInvitation(db: Database | Transaction, address: string, at: Instant): Promise<boolean> {
  const open = db('invitations').where('state', 'pending').where('expires_at', '>', at).whereRaw('lower(address) = lower(?)', [address]);
  return (await open.first('id')) !== undefined;
}

export async function organizationOfInvitation(db: Database, id: string): Promise<string | null> {
  const row = await db('invitations').where('id', id).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

export type ListedInvitation = Invitation & { inviterName: string };

/** Invitations of an organization, newest first; `expired` also finds those whose time is up at `at` and that nobody touched since. */
export async function listInvitations(
  db: Database,
  organizationId: string,
  filter: { state?: InvitationState | undefined; search?: string | undefined; at: Instant },
  page: { limit: number; before: string | null },
): Promise<{ rows: ListedInvitation[]; total: number }> {
  const matching = db('invitations as i').where('i.organization_id', organizationId);
  if (filter.state !== undefined) {
    void matching.whereRaw(`case when i.state = 'pending' and i.expires_at <= ? then 'expired' else i.state end = ?`, [filter.at, filter.state]);
  }
  if (filter.search !== undefined) void matching.whereILike('i.address', `%${escapeLike(filter.search)}%`);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.where('i.id', '<', page.before);
  const rows = await matching.join('users as u', 'u.id', 'i.invited_by').orderBy('i.id', 'desc').limit(page.limit).select<Row[]>('i.*', 'u.display_name');
  return { rows: rows.map(toListed), total: counted?.count ?? 0 };
}

export async function getListedInvitation(db: Database | Transaction, organizationId: string, id: string): Promise<ListedInvitation | null> {
  const row = await db('invitations as i')
    .join('users as u', 'u.id', 'i.invited_by')
    .where({ 'i.organization_id': organizationId, 'i.id': id })
    .first<Row | undefined>('i.*', 'u.display_name');
  return row === undefined ? null : toListed(row);
}

function toListed(row: Row): ListedInvitation {
  return { ...toInvitation(row), inviterName: row.display_name as string };
}

function toColumns(invitation: Invitation): Row {
  return {
    state: invitation.state,
    letters: invitation.letters,
    expires_at: invitation.expiresAt,
    accepted_by: invitation.acceptedBy,
    ended_at: invitation.endedAt,
    version: invitation.version,
    last_at: invitation.lastAt,
  };
}

function toInvitation(row: Row): Invitation {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    address: row.address as string,
    role: row.role as OrganizationRole,
    state: row.state as InvitationState,
    invitedBy: row.invited_by as string,
    letters: row.letters as number,
    expiresAt: row.expires_at as Instant,
    acceptedBy: row.accepted_by as string | null,
    endedAt: row.ended_at as Instant | null,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
  };
}
