import { hashSecret, newApiToken, newLinkSecret } from '../../commands/identity/secrets.ts';
import { rootPool } from '../../commands/pools/root-pool.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { toInstant, type Instant } from '../../domain/shared/time.ts';
import { AT, createOrganization, TENANT } from './tenant.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Free slots lie far ahead: nothing becomes due while they are booked. */
const FIRST_SLOT = Date.parse('2090-01-01T00:00:00.000Z');

/** An environment as the bench names it: the number of its row is `key`. */
export interface FleetEnvironment {
  id: string;
  name: string;
  key: number;
}

export interface FleetAccess {
  /** Of an engineer. */
  token: string;
  /** Of a link to the calendar. */
  feedSecret: string;
}

const ENVIRONMENTS = `
  insert into environments (id, organization_id, name, resource_type, is_active, ssh_required, properties, pool_id, created_at, last_at)
  select 'env_' || lpad(n::text, 26, '0'), :organizationId, 'Bench environment ' || n, 'Test bench', true, false,
    '{"Description": "", "IP": "", "Software": ""}', :poolId, :at, :at
  from generate_series(1, :size) as n`;

/** Twenty people by turns; no two of an environment overlap: one in three days, for a third of a day to two. */
const BOOKINGS = `
  insert into bookings (id, organization_id, environment_id, environment_key, holder_user_id, booked_by, state, since, until, next_due_at, created_at, last_at)
  select 'bkg_' || lpad((e.key * 100 + n)::text, 26, '0'), e.organization_id, e.id, e.key, (:people::text[])[1 + (e.key + n) % 20],
    '{"kind": "system", "id": null, "name": "bench"}', 'reserved', begin_at, begin_at + (8 + (e.key + n) % 40) * interval '1 hour', begin_at, :at, :at
  from environments e, generate_series(0, :each - 1) as n,
    lateral (select cast(:from as timestamptz) + n * interval '3 days' + e.key % 24 * interval '1 hour' as begin_at) b`;

/** An organization with a manager, an engineer and `size` environments that nobody has booked. */
export async function fillEnvironments(db: Database, size: number): Promise<FleetAccess> {
  const { organizationId } = TENANT;
  await createOrganization(db);
  await insertPerson(db, 'manager', 'Bench manager');
  const engineer = await insertPerson(db, 'engineer', 'Bench engineer');
  const [token, feedSecret] = [newApiToken(), newLinkSecret()];
  await db('api_tokens').insert({ id: newId('api-token'), user_id: engineer, name: 'bench', token_hash: hashSecret(token), scopes: ['write'], created_at: AT });
  await db('calendar_feeds').insert({ id: newId('calendar-feed'), organization_id: organizationId, user_id: engineer, token_hash: hashSecret(feedSecret), created_at: AT });
  const { id: poolId } = await inTransaction(db, (tx) => rootPool(tx, { id: organizationId }, AT));
  await db.raw(ENVIRONMENTS, { organizationId, poolId, size, at: AT });
  await db.raw('vacuum analyze');
  return { token, feedSecret };
}

/** Books each environment `each` times, once in three days from `from` on. */
export async function fillBookings(db: Database, each: number, from: Instant): Promise<void> {
  const people: string[] = [];
  for (let number = 1; number <= 20; number += 1) people.push(await insertPerson(db, 'engineer', `Engineer ${number}`));
  await db.raw(BOOKINGS, { people, each, from, at: AT });
  await db.raw('vacuum analyze');
}

async function insertPerson(db: Database, role: 'manager' | 'engineer', name: string): Promise<string> {
  const id = newId('user');
  const address = `${id}@example.org`;
  await db('users').insert({ id, email: address, display_name: name, created_at: AT, last_at: AT });
  // Mail goes to verified mailboxes alone.
  await db('mailboxes').insert({ id: newId('mailbox'), user_id: id, address, is_primary: true, verified_at: AT, created_at: AT, last_at: AT });
  await db('memberships').insert({ organization_id: TENANT.organizationId, user_id: id, role, created_at: AT });
  return id;
}

/** The environments in the order of their making. */
export async function readEnvironments(db: Database): Promise<FleetEnvironment[]> {
  return await db('environments').orderBy('key').select<FleetEnvironment[]>('id', 'name', 'key');
}

/** What request `number` books: an environment by turns, an hour of its own. */
export function slotOf(number: number, environments: number): { environment: number; since: Instant; until: Instant } {
  const since = FIRST_SLOT + Math.floor(number / environments) * 2 * HOUR_MS;
  return { environment: number % environments, since: toInstant(since), until: toInstant(since + HOUR_MS) };
}

/** The month that is asked about: it holds every booking. */
export function monthFrom(from: Instant): { from: Instant; to: Instant } {
  return { from, to: toInstant(Date.parse(from) + 31 * DAY_MS) };
}

/** What a request left, without what differs from one to the next: its ids and the instants at which it came. */
const LEFT = {
  bookings: `select to_jsonb(b) - '{id,created_at,last_at}'::text[] #- '{booked_by,requestId}' from bookings b`,
  ledger: `select to_jsonb(l) - '{id,at,subject,request_id}'::text[] #- '{after,id}' #- '{after,createdAt}' #- '{after,lastAt}' from ledger l where action like 'bookings.%'`,
  mails: `select jsonb_build_array(user_id, kind, subject, body) from mails`,
} as const;

export type Left = Record<keyof typeof LEFT | 'wakeUps', string>;

/** Rows and their digest by table, of all that booking requests write; wake-ups by their number, for a relay takes them away. */
export async function readLeft(db: Database): Promise<Left> {
  const left: Partial<Left> = {};
  for (const [table, rows] of Object.entries(LEFT)) {
    const [row] = (await db.raw<{ rows: { left: string }[] }>(`select count(*) || ' ' || md5(string_agg(r::text, '|' order by r::text)) as left from (${rows}) as one (r)`)).rows;
    left[table as keyof typeof LEFT] = row?.left ?? '';
  }
  const [counted] = await db('wake_ups').count<{ count: number }[]>('* as count');
  return { ...(left as Left), wakeUps: String(counted?.count) };
}
