import { createRequire } from 'node:module';
import type { Knex } from 'knex';

/** knex's own client of PostgreSQL, of which it publishes no types. */
const PostgresClient = createRequire(import.meta.url)('knex/lib/dialects/postgres/index.js') as typeof Knex.Client;

interface Statement {
  sql: string;
  options?: Record<string, unknown>;
}

/** What `prepared` marks a query with. */
const PREPARED = 'prepared';

/** By its text, the name of each statement that is prepared: one text, one name, so that no connection ever has two under one. */
const names = new Map<string, string>();
/** A session keeps every statement it prepared. Texts that vary, as with a number of rows, must not fill its memory. */
const MOST_STATEMENTS = 200;

function nameOf(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= MOST_STATEMENTS) return known;
  const name = `orrery_${names.size}`;
  names.set(sql, name);
  return name;
}

/** knex's client of PostgreSQL that gives what is `prepared` to the driver with a name. */
export class PreparingClient extends PostgresClient {
  override query(connection: unknown, statement: string | Statement): unknown {
    if (typeof statement !== 'string' && statement.options?.[PREPARED] === true) statement.options = { ...statement.options, name: nameOf(statement.sql) };
    return super.query(connection, statement);
  }
}

/**
 * Has each session parse and plan a statement once instead of at every call, which for a look-up by key or a row's insertion is most
 * of what the statement costs. It must name its columns: `select *`, or `b.*`, fails in sessions that prepared it before a migration
 * added one. It should mean the same rows, a few, whatever its values: PostgreSQL may plan it without them.
 */
export function prepared<Query extends { options(options: Readonly<Record<string, unknown>>): unknown }>(query: Query): Query {
  query.options({ [PREPARED]: true });
  return query;
}
