import knex, { type Knex } from 'knex';
import pg from 'pg';
import { PreparingClient } from './prepared.ts';

export type Database = Knex;
export type Transaction = Knex.Transaction;

const TYPE = { int8: 20, date: 1082, timestamptz: 1184 };

/** How values come back: instants as RFC 3339 UTC text, dates as their text, counts as exact numbers, NUMERIC as decimal text. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === TYPE.timestamptz) return toInstantText;
      if (oid === TYPE.date) return (value: string) => value;
      if (oid === TYPE.int8) return toExactNumber;
    }
    return pg.types.getTypeParser(oid, format);
  },
};

/**
 * Instants at whole minutes, each text made once: bookings, schedules and days begin and end on few of them. A text put
 * together from pieces stays in pieces until somebody compares or writes it, so this saves more than the making.
 */
const wholeMinutes = new Map<string, string>();
const MOST_WHOLE_MINUTES = 10_000;

/** Sessions run in UTC, so nearly every instant reads `2026-11-21 07:00:00.123456+00` and only its form is to change. */
function toInstantText(value: string): string {
  if (value.length > 29 || !value.endsWith('+00') || value[4] !== '-') return new Date(value).toISOString();
  if (!value.endsWith(':00+00')) return reformed(value);
  let text = wholeMinutes.get(value);
  if (text !== undefined) return text;
  text = reformed(value);
  if (wholeMinutes.size >= MOST_WHOLE_MINUTES) wholeMinutes.clear();
  wholeMinutes.set(value, text);
  return text;
}

/** From PostgreSQL's form to RFC 3339, cut to milliseconds. */
function reformed(value: string): string {
  const milliseconds = value.slice(20, -3).slice(0, 3).padEnd(3, '0');
  return `${value.slice(0, 10)}T${value.slice(11, 19)}.${milliseconds}Z`;
}

function toExactNumber(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`bigint ${value} is beyond what a number holds exactly`);
  return number;
}

export interface ConnectOptions {
  poolMax: number;
  applicationName: string;
}

/** What a session is, whoever pools it: it runs in UTC, and values come back as `types` says. */
export function sessionOf(databaseUrl: string, applicationName: string): pg.ClientConfig {
  return { connectionString: databaseUrl, application_name: applicationName, options: '-c TimeZone=UTC -c jit=off', keepAlive: true, types };
}

/** A pool of connections. Sessions run in UTC; `destroy()` closes it. */
export function connect(databaseUrl: string, options: ConnectOptions): Database {
  return knex({
    client: PreparingClient,
    connection: sessionOf(databaseUrl, options.applicationName) as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.poolMax },
    acquireConnectionTimeout: 30_000,
  });
}
