import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from './connection.ts';
import { prepared } from './prepared.ts';

/** The channel on which a committed wake-up announces itself. */
export const WAKE_UP_CHANNEL = 'orrery_wake_ups';

export interface WakeUp {
  workflowId: string;
  kind: string;
  entityId: string;
  organizationId: string;
  generation: number;
  attempts: number;
}

/**
 * When a wake-up is due that nobody has tried yet: whatever the relay's clock says. What asks for it may
 * follow a clock that is ahead of the relay's, and "look again" is never too early.
 */
const AT_ONCE = '1970-01-01T00:00:00.000Z';

/**
 * Asks, in the caller's transaction, that the workflow looks at its row again. One row a workflow:
 * asking twice raises its generation, so a request made while an older one is being delivered is not lost.
 */
export async function requestWakeUp(
  tx: Transaction,
  wakeUp: { kind: string; entityId: string; organizationId: string },
  at: Instant,
): Promise<void> {
  await requestWakeUps(tx, { ...wakeUp, entityIds: [wakeUp.entityId] }, at);
}

/** `requestWakeUp` for many workflows of one kind, in one statement. */
export async function requestWakeUps(
  tx: Transaction,
  wakeUps: { kind: string; organizationId: string; entityIds: readonly string[] },
  at: Instant,
): Promise<void> {
  if (wakeUps.entityIds.length === 0) return;
  const query = tx.raw(
    `with asked as (
       insert into wake_ups (workflow_id, kind, entity_id, organization_id, requested_at, next_attempt_at)
       select ?::text || '/' || id, ?, id, ?, ?, ? from unnest(?::text[]) as id
       on conflict (workflow_id) do update set generation = wake_ups.generation + 1,
         requested_at = excluded.requested_at, next_attempt_at = excluded.next_attempt_at, attempts = 0, last_error = null
       returning workflow_id
     ) select pg_notify(?, workflow_id) from asked`,
    [wakeUps.kind, wakeUps.kind, wakeUps.organizationId, at, AT_ONCE, wakeUps.entityIds.toSorted(), WAKE_UP_CHANNEL],
  );
  await prepared(query);
}

/**
 * Takes up to `limit` wake-ups that are due and hides them until `leaseUntil`, so that other relays
 * pass them by; a relay that dies meanwhile only delays them by the lease.
 */
export async function claimWakeUps(
  db: Database,
  at: Instant,
  leaseUntil: Instant,
  limit: number,
): Promise<WakeUp[]> {
  const result = await db.raw<{ rows: Record<string, unknown>[] }>(
    `update wake_ups set next_attempt_at = ? where workflow_id in (
       select workflow_id from wake_ups where next_attempt_at <= ? order by next_attempt_at, requested_at limit ? for update skip locked
     ) returning workflow_id, kind, entity_id, organization_id, generation, attempts`,
    [leaseUntil, at, limit],
  );
  return result.rows.map((row) => ({
    workflowId: row.workflow_id as string,
    kind: row.kind as string,
    entityId: row.entity_id as string,
    organizationId: row.organization_id as string,
    generation: row.generation as number,
    attempts: row.attempts as number,
  }));
}

/** Deletes a delivered wake-up unless it was requested anew since it was claimed. */
export async function deleteWakeUp(db: Database, wakeUp: WakeUp): Promise<void> {
  await db('wake_ups').where({ workflow_id: wakeUp.workflowId, generation: wakeUp.generation }).delete();
}

/** Keeps a wake-up that could not be delivered, with the reason, until `nextAttemptAt`. */
export async function postponeWakeUp(
  db: Database,
  wakeUp: WakeUp,
  nextAttemptAt: Instant,
  reason: string,
): Promise<void> {
  await db('wake_ups')
    .where({ workflow_id: wakeUp.workflowId, generation: wakeUp.generation })
    .update({ next_attempt_at: nextAttemptAt, attempts: wakeUp.attempts + 1, last_error: reason.slice(0, 2000) });
}

/** How many wake-ups are not delivered yet, and since when the oldest of them is asked for (null when there is none). */
export async function wakeUpBacklog(db: Database): Promise<{ count: number; oldestAt: Instant | null }> {
  const [row] = await db('wake_ups').select<{ count: string; oldest: Instant | null }[]>(db.raw('count(*) as count, min(requested_at) as oldest'));
  return { count: Number(row?.count ?? 0), oldestAt: row?.oldest ?? null };
}

/** When the earliest pending wake-up is to be tried, or null when there is none. */
export async function nextWakeUpAt(db: Database): Promise<Instant | null> {
  const [row] = await db('wake_ups').min<{ at: Instant | null }[]>('next_attempt_at as at');
  return row?.at ?? null;
}
