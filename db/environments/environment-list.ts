import type { BookingState } from '../../domain/bookings/booking.ts';
import { statusOf, type Environment, type EnvironmentStatus } from '../../domain/environments/environment.ts';
import { toInstant, type Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { toEnvironment } from './environment-store.ts';

/** How many bookings are shown with an environment; the calendar has them all. */
export const UPCOMING_SHOWN = 5;

/** A booking as it is shown with its environment. */
export interface UpcomingBooking {
  id: string;
  state: BookingState;
  since: Instant;
  until: Instant | null;
  holder: { id: string; displayName: string };
}

/** An environment with what a list shows beside it. */
export interface ListedEnvironment {
  environment: Environment;
  status: EnvironmentStatus;
  ownerName: string | null;
  poolName: string;
  /** Running and future ones by their beginning, `UPCOMING_SHOWN` at most. */
  upcoming: UpcomingBooking[];
}

export interface EnvironmentFilter {
  search?: string | undefined;
  status?: EnvironmentStatus | undefined;
  /** Only what this person may book now or later: see `accessibleBy`. Null for nobody's choice. */
  accessible?: { userId: string; mayBook: boolean } | undefined;
  resourceType?: string | undefined;
  poolId?: string | undefined;
  ownerUserId?: string | undefined;
}

const TAKING = `b.state in ('offered', 'reserved', 'active')`;
const HELD = `exists (select from bookings b where b.environment_id = e.id and ${TAKING} and b.since <= :at and (b.until is null or b.until > :at))`;
const COLUMNS = `e.*, ${HELD} as is_held, p.name as pool_name, o.display_name as owner_name,
  (select coalesce(jsonb_agg(to_jsonb(next) order by next.since), '[]') from (
     select b.id, b.state, b.since, b.until, b.holder_user_id, u.display_name
     from bookings b join users u on u.id = b.holder_user_id
     where b.environment_id = e.id and ${TAKING} and (b.until is null or b.until > :at)
     order by b.since limit ${UPCOMING_SHOWN}) as next) as upcoming`;
const FROM = `from environments e join pools p on p.id = e.pool_id left join users o on o.id = e.owner_user_id`;

/**
 * Environments of an organization by name, as they are at an instant; `after` is the last one of the
 * page before. Accessible are those that are in service and whose demand for an SSH key the person meets.
 */
export async function listEnvironments(
  db: Database,
  organizationId: string,
  filter: EnvironmentFilter,
  page: { at: Instant; limit: number; after: { name: string; id: string } | null },
): Promise<{ rows: ListedEnvironment[]; total: number }> {
  const bindings = { ...bindingsOf(filter), organizationId, at: page.at, afterName: page.after?.name ?? null, afterId: page.after?.id ?? null };
  const where = conditionsOf(filter).join(' and ');
  const counted = await db.raw<{ rows: [{ count: number }] }>(`select count(*) from environments e where ${where}`, bindings);
  const found = await db.raw<{ rows: Record<string, unknown>[] }>(
    `select ${COLUMNS} ${FROM} where ${where} ${page.after === null ? '' : 'and (lower(e.name), e.id) > (lower(:afterName), :afterId)'}
     order by lower(e.name), e.id limit :limit`,
    { ...bindings, limit: page.limit },
  );
  return { rows: found.rows.map(toListed), total: counted.rows[0].count };
}

/** One environment as the list shows it, or null. */
export async function getListedEnvironment(db: Database | Transaction, organizationId: string, id: string, at: Instant): Promise<ListedEnvironment | null> {
  const found = await db.raw<{ rows: Record<string, unknown>[] }>(
    `select ${COLUMNS} ${FROM} where e.organization_id = :organizationId and e.id = :id and e.deleted_at is null`,
    { organizationId, id, at },
  );
  return found.rows[0] === undefined ? null : toListed(found.rows[0]);
}

const STATUS: Record<EnvironmentStatus, string> = {
  unavailable: 'not e.is_active',
  'in-use': `e.is_active and ${HELD}`,
  available: `e.is_active and not ${HELD}`,
};

function conditionsOf(filter: EnvironmentFilter): string[] {
  const conditions = ['e.organization_id = :organizationId', 'e.deleted_at is null'];
  if (filter.search !== undefined) {
    conditions.push(`(e.name ilike :pattern or e.resource_type ilike :pattern
      or exists (select from jsonb_each_text(e.properties) as property where property.value ilike :pattern))`);
  }
  if (filter.status !== undefined) conditions.push(STATUS[filter.status]);
  if (filter.resourceType !== undefined) conditions.push('lower(e.resource_type) = lower(:resourceType)');
  if (filter.poolId !== undefined) conditions.push('e.pool_id = :poolId');
  if (filter.ownerUserId !== undefined) conditions.push('e.owner_user_id = :ownerUserId');
  if (filter.accessible !== undefined) {
    conditions.push(
      filter.accessible.mayBook ? 'e.is_active and (not e.ssh_required or exists (select from ssh_keys k where k.user_id = :userId))' : 'false',
    );
  }
  return conditions;
}

function bindingsOf({ search, resourceType, poolId, ownerUserId, accessible }: EnvironmentFilter): Record<string, string | null> {
  return {
    pattern: search === undefined ? null : `%${escapeLike(search)}%`,
    resourceType: resourceType ?? null,
    poolId: poolId ?? null,
    ownerUserId: ownerUserId ?? null,
    userId: accessible?.userId ?? null,
  };
}

function toListed(row: Record<string, unknown>): ListedEnvironment {
  const upcoming = row.upcoming as { id: string; state: BookingState; since: string; until: string | null; holder_user_id: string; display_name: string }[];
  return {
    environment: toEnvironment(row),
    status: statusOf(row.is_active as boolean, row.is_held as boolean),
    ownerName: row.owner_name as string | null,
    poolName: row.pool_name as string,
    upcoming: upcoming.map(({ id, state, since, until, holder_user_id, display_name }) => ({
      id,
      state,
      // Inside JSON, PostgreSQL writes instants its own way.
      since: toInstant(since),
      until: until === null ? null : toInstant(until),
      holder: { id: holder_user_id, displayName: display_name },
    })),
  };
}
