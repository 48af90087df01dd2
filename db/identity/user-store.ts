import type { ActivationState } from '../../domain/identity/activation.ts';
import type { AccountCategory, ColorScheme } from '../../domain/identity/profile.ts';
import type { User } from '../../domain/identity/user.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';

/** Adds a user; false, and nothing is written, when the address is taken (without case). */
export async function insertUser(tx: Transaction, user: User): Promise<boolean> {
  const rows = await tx('users')
    .insert({ id: user.id, created_at: user.createdAt, ...toColumns(user) })
    .onConflict(tx.raw('(lower(email))'))
    .ignore()
    .returning('id');
  return rows.length === 1;
}

export async function findUserByEmail(db: Database | Transaction, email: string): Promise<User | null> {
  const row = await db('users').whereRaw('lower(email) = lower(?)', [email]).first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toUser(row);
}

export async function getUser(db: Database | Transaction, id: string): Promise<User | null> {
  const row = await db('users').where('id', id).first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toUser(row);
}

/** Reads and locks a user until the transaction ends. */
export async function lockUser(tx: Transaction, id: string): Promise<User | null> {
  const row = await tx('users').where('id', id).forNoKeyUpdate().first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toUser(row);
}

export async function saveUser(tx: Transaction, user: User): Promise<void> {
  await tx('users').where('id', user.id).update(toColumns(user));
}

/** The oldest platform administrator who is not disabled, or null. */
export async function firstPlatformAdministrator(tx: Database | Transaction): Promise<User | null> {
  const row = await tx('users')
    .where('platform_administrator', true)
    .whereNull('disabled_at')
    .orderBy('id')
    .first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toUser(row);
}

export type UserSort = 'email' | '-email' | 'display_name' | '-display_name' | 'created_at' | '-created_at';

/** All people; `total` counts all that match, `after` is sort value and id of the last one shown. */
export async function listUsers(
  db: Database,
  filter: { search?: string | undefined; disabled?: boolean | undefined },
  page: { limit: number; sort: UserSort; after: [string, string] | null },
): Promise<{ rows: User[]; total: number }> {
  const matching = db('users');
  const { search, disabled } = filter;
  if (search !== undefined) {
    const pattern = `%${escapeLike(search)}%`;
    void matching.where((either) => void either.whereILike('email', pattern).orWhereILike('display_name', pattern));
  }
  if (disabled !== undefined) void (disabled ? matching.whereNotNull('disabled_at') : matching.whereNull('disabled_at'));
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const descending = page.sort.startsWith('-');
  const column = page.sort.replace(/^-/, '');
  const order = descending ? 'desc' : 'asc';
  const rows = matching.clone().orderBy([{ column, order }, { column: 'id', order }]).limit(page.limit);
  if (page.after !== null) void rows.whereRaw(`(??, id) ${descending ? '<' : '>'} (?, ?)`, [column, ...page.after]);
  return { rows: ((await rows) as Record<string, unknown>[]).map(toUser), total: counted?.count ?? 0 };
}

function toColumns(user: User): Record<string, unknown> {
  const { profile, activation } = user;
  return {
    email: user.email,
    display_name: user.displayName,
    password_hash: user.passwordHash,
    password_expires_at: user.passwordExpiresAt,
    category: profile.category,
    first_name: profile.firstName,
    last_name: profile.lastName,
    address: profile.address,
    phone: profile.phone,
    language: profile.language,
    color_scheme: profile.colorScheme,
    activation: activation.state,
    activation_requested_at: activation.requestedAt,
    activated_at: activation.activatedAt,
    platform_administrator: user.platformAdministrator,
    disabled_at: user.disabledAt,
    version: user.version,
    last_at: user.lastAt,
  };
}

function toUser(row: Record<string, unknown>): User {
  return {
    id: row.id as string,
    email: row.email as string,
    displayName: row.display_name as string,
    passwordHash: row.password_hash as string | null,
    passwordExpiresAt: row.password_expires_at as Instant | null,
    profile: {
      category: row.category as AccountCategory,
      firstName: row.first_name as string,
      lastName: row.last_name as string,
      address: row.address as string,
      phone: row.phone as string,
      language: row.language as string | null,
      colorScheme: row.color_scheme as ColorScheme,
    },
    activation: {
      state: row.activation as ActivationState,
      requestedAt: row.activation_requested_at as Instant | null,
      activatedAt: row.activated_at as Instant | null,
    },
    platformAdministrator: row.platform_administrator as boolean,
    disabledAt: row.disabled_at as Instant | null,
    version: row.version as number,
    createdAt: row.created_at as Instant,
    lastAt: row.last_at as Instant,
  };
}
