import type { Database, Transaction } from '../shared/connection.ts';

const BOUNDS = { unknown: 300, least: 30, most: 1_800 };
const NEWEST = 20;

/**
 * How long before it is needed an instance must be started, in whole seconds: nine of ten of its
 * newest twenty starts took no longer, from the call until it was observed running. At least half a
 * minute, at most half an hour; five minutes while nothing is known.
 */
export async function bootSeconds(db: Database | Transaction, organizationId: string, resourceId: string): Promise<number> {
  const result = await db.raw<{ rows: { seconds: number | null }[] }>(
    `select percentile_cont(0.9) within group (order by seconds) as seconds from (
       select extract(epoch from finished_at - called_at) as seconds from power_run_items
       where organization_id = ? and resource_id = ? and action = 'on' and state = 'settled' and called_at is not null
       order by due_at desc limit ?
     ) starts`,
    [organizationId, resourceId, NEWEST],
  );
  const seconds = result.rows[0]?.seconds ?? null;
  return seconds === null ? BOUNDS.unknown : Math.ceil(Math.min(BOUNDS.most, Math.max(BOUNDS.least, seconds)));
}
