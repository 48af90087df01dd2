import type { Database } from '../shared/connection.ts';

/** What a card counts of a project. */
export interface CardCounts {
  bookings: number;
  containers: number;
  jobs: number;
}

export const NOTHING: CardCounts = { bookings: 0, containers: 0, jobs: 0 };

/** Where the rows of a kind are, and which of them count. */
export interface CountedRows {
  /** Has organization_id and project_id, and an index that begins with them or with project_id. */
  table: string;
  /** SQL condition on the table as `o`: the row has something of the project now, or will. */
  open: string;
}

/** Every kind that has rows. A domain whose rows belong to projects adds its line here, as among the owners of a release; what has none counts zero. */
export const COUNTED_ROWS = new Map<keyof CardCounts, CountedRows>([['bookings', { table: 'bookings', open: `o.state in ('reserved', 'active')` }]]);

/** What each of these projects has, by its id. One that has nothing is left out. */
export async function countsOfProjects(db: Database, organizationId: string, ids: readonly string[]): Promise<Map<string, CardCounts>> {
  const counts = new Map<string, CardCounts>();
  // One after the other: inside a transaction there is one connection.
  for (const [kind, { table, open }] of COUNTED_ROWS) {
    const rows = await db(`${table} as o`)
      .where('o.organization_id', organizationId)
      .whereIn('o.project_id', [...ids])
      .whereRaw(open)
      .groupBy('o.project_id')
      .select<{ project_id: string; count: number }[]>('o.project_id', db.raw('count(*)'));
    for (const { project_id: id, count } of rows) counts.set(id, { ...(counts.get(id) ?? NOTHING), [kind]: count });
  }
  return counts;
}
