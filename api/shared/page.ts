import { createHash } from 'node:crypto';
import { invalidField } from '../../domain/shared/errors.ts';
import { z } from './zod.ts';

/** Fields every list takes; spread them into its query schema. */
export const pageFields = {
  page_size: z.coerce.number().int().min(1).max(500).default(50).openapi({ description: 'How many items to answer with at most.' }),
  page_token: z.string().min(1).max(2000).optional().openapi({ description: 'next_page_token of the page before; filters and order stay as they were.' }),
};

/** One value of a position in an order. */
export type CursorValue = string | number | boolean | null;

/**
 * The body of a list: `total` counts what matches the filters, on all pages; `displayed` counts the
 * items of this page.
 */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    total: z.number().int(),
    displayed: z.number().int(),
    next_page_token: z.string().nullable(),
  });
}

/** The orders of a list: each field upwards, and downwards with a minus before it. */
export function sortedBy<const F extends string>(fields: readonly F[]) {
  return z.enum(fields.flatMap((field) => [field, `-${field}` as const])).openapi({ description: 'A minus before the field turns the order around.' });
}

/** A `sort` of `sortedBy`, apart. */
export function sortOf<const F extends string>(sort: F | `-${F}`): { sort: F; descending: boolean } {
  return { sort: sort.replace(/^-/, '') as F, descending: sort.startsWith('-') };
}

/** Where a page of a list that is sorted by a text and an id begins. */
export function positionAfter(cursor: readonly CursorValue[] | null): [string, string] | null {
  return cursor === null ? null : [String(cursor[0]), String(cursor[1])];
}

interface PageQuery {
  page_size: number;
  page_token?: string | undefined;
}

/**
 * Reads the position after which a page begins: the values of the order's columns for the last item
 * of the page before, or null for the first page. A token is bound to the operation, filters and
 * order it was given for; any other is refused as `request.invalid-page-token`.
 *
 * @param query the whole parsed query of the list.
 * @param length how many values a position has.
 */
export function readCursor(operationId: string, query: PageQuery, length: number): CursorValue[] | null {
  if (query.page_token === undefined) return null;
  const position = decode(query.page_token, boundTo(operationId, query));
  if (position?.length !== length) {
    throw invalidField('request.invalid-page-token', 'page_token', 'is not a page token of this list with these filters; start again without it');
  }
  return position;
}

/**
 * The body of a page. Ask the store for `page_size + 1` rows: the one too many only tells that there
 * is another page. `positionOf` gives the values of the order's columns, the last of them unique.
 */
export function toPage<Row, Item>(
  operationId: string,
  query: PageQuery,
  found: { rows: Row[]; total: number },
  view: { item: (row: Row) => Item; positionOf: (row: Row) => CursorValue[] },
): { items: Item[]; total: number; displayed: number; next_page_token: string | null } {
  const shown = found.rows.slice(0, query.page_size);
  const last = shown.at(-1);
  const more = found.rows.length > shown.length && last !== undefined;
  return {
    items: shown.map(view.item),
    total: found.total,
    displayed: shown.length,
    next_page_token: more ? encode(view.positionOf(last), boundTo(operationId, query)) : null,
  };
}

/** A token for the page after a position, for a list that is not counted. Read it with `readCursor`. */
export function pageTokenOf(operationId: string, query: PageQuery, position: CursorValue[]): string {
  return encode(position, boundTo(operationId, query));
}

/** What a token is valid for: everything but where the page begins and how long it is. */
function boundTo(operationId: string, query: PageQuery): string {
  const { page_size: _size, page_token: _token, ...filters } = query as PageQuery & Record<string, unknown>;
  const sorted = Object.entries(filters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify([operationId, sorted])).digest('base64url').slice(0, 16);
}

function encode(position: CursorValue[], binding: string): string {
  return Buffer.from(JSON.stringify([binding, ...position])).toString('base64url');
}

/** Null for anything that `encode` did not make for this binding. */
function decode(token: string, binding: string): CursorValue[] | null {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  const parsed = z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).safeParse(parseJson(text));
  return parsed.success && parsed.data[0] === binding ? parsed.data.slice(1) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
