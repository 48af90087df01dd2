import type { Knex } from 'knex';

/** How a list is sorted. */
export interface ListOrder {
  /** SQL that is never null, for rows of the query that is ordered. */
  expression: string;
  type: 'text' | 'timestamptz';
  descending: boolean;
}

/** Where the page before ended: the last row's `sort_position`, and its id. */
export type ListPosition = [position: string, id: string];

/** What the query has to select beside its columns, for `positionIn`. */
export function positionColumn({ expression }: ListOrder): string {
  return `(${expression})::text as sort_position`;
}

export function positionIn(row: Record<string, unknown>, id: string): ListPosition {
  return [row.sort_position as string, id];
}

/** Orders a query, ties by the column `id` in the same direction, and narrows it to what comes after a position. */
export function inOrder(query: Knex.QueryBuilder, { expression, type, descending }: ListOrder, id: string, page: { limit: number; after: ListPosition | null }): void {
  const direction = descending ? 'desc' : 'asc';
  if (page.after !== null) void query.whereRaw(`(${expression}, ${id}) ${descending ? '<' : '>'} (cast(? as ${type}), ?)`, page.after);
  void query.orderByRaw(`${expression} ${direction}, ${id} ${direction}`).limit(page.limit);
}

/** The same for lists in the order of making: ids begin with their instant. `after` is the last id of the page before. */
export function inOrderOfIds(query: Knex.QueryBuilder, id: string, page: { limit: number; descending: boolean; after: string | null }): void {
  if (page.after !== null) void query.where(id, page.descending ? '<' : '>', page.after);
  void query.orderBy(id, page.descending ? 'desc' : 'asc').limit(page.limit);
}
