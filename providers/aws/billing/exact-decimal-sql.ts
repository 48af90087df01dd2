import { sqlText } from '../../duckdb/duckdb-process.ts';

/**
 * How amounts are read. `short`: as DECIMAL(18,10), which is many times quicker to make, sum and write; exact for
 * almost every bill, and `isLongSql` tells where it would not be. `exact`: as DECIMAL(38,24), any number that the column holds.
 */
export type DecimalMode = 'short' | 'exact';

/** The types of an amount and of a sum of amounts. */
export const AMOUNT_TYPES = {
  short: { amount: 'DECIMAL(18,10)', sum: 'DECIMAL(38,10)' },
  exact: { amount: 'DECIMAL(38,24)', sum: 'DECIMAL(38,24)' },
} as const satisfies Record<DecimalMode, { amount: string; sum: string }>;

const AMOUNT_TYPE = AMOUNT_TYPES.exact.amount;

const DECIMAL_PATTERN = '^([+-]?)([0-9]*)[.]?([0-9]*)(?:[eE]([+-]?[0-9]{1,4}))?$';

/**
 * `exact_decimal(text)`: the decimal that `text` writes, with or without exponent, or NULL when it is none or has
 * more digits than the column. DuckDB's own cast rounds instead. `plainDecimal` is its twin in JavaScript.
 */
export const EXACT_DECIMAL_MACROS = [
  `CREATE OR REPLACE TEMP MACRO decimal_parts(s) AS regexp_extract(s, ${sqlText(DECIMAL_PATTERN)}, ['sign', 'whole', 'fraction', 'exponent'])`,
  `CREATE OR REPLACE TEMP MACRO decimal_point(p) AS length(p.whole) + coalesce(TRY_CAST(nullif(p.exponent, '') AS INTEGER), 0)`,
  `CREATE OR REPLACE TEMP MACRO integer_digits(d, n) AS ltrim(CASE WHEN n <= 0 THEN '' ELSE rpad(left(d, n), n, '0') END, '0')`,
  `CREATE OR REPLACE TEMP MACRO fraction_digits(d, n) AS rtrim(CASE WHEN n <= 0 THEN repeat('0', -n) || d ELSE substring(d, n + 1) END, '0')`,
  `CREATE OR REPLACE TEMP MACRO fitting_decimal(sign, whole, fraction) AS
     CASE WHEN length(whole) <= 14 AND length(fraction) <= 24
       THEN TRY_CAST(concat(sign, '0', whole, '.', fraction) AS ${AMOUNT_TYPE}) END`,
  `CREATE OR REPLACE TEMP MACRO exact_decimal(s) AS
     CASE WHEN decimal_parts(s).whole || decimal_parts(s).fraction <> '' THEN fitting_decimal(decimal_parts(s).sign,
       integer_digits(decimal_parts(s).whole || decimal_parts(s).fraction, CAST(decimal_point(decimal_parts(s)) AS INTEGER)),
       fraction_digits(decimal_parts(s).whole || decimal_parts(s).fraction, CAST(decimal_point(decimal_parts(s)) AS INTEGER))) END`,
] as const;

/** Texts whose cast to DECIMAL(18,10) is exact; the cast is forty times quicker than that to 38 digits. */
const SHORT_DECIMAL = '-?[0-9]{1,8}([.][0-9]{0,10})?';

/** Texts whose cast to DECIMAL(38,24) is exact. */
const PLAIN_DECIMAL = '[+-]?[0-9]{1,14}([.][0-9]{0,24})?';

/** The decimal of a text column; in exact mode NULL where it is NULL, no number or has more digits than the column. */
export function textDecimalSql(column: string, mode: DecimalMode): string {
  const short = `TRY_CAST(${column} AS DECIMAL(18,10))`;
  if (mode === 'short') return short;
  return (
    `CASE WHEN regexp_full_match(${column}, ${sqlText(SHORT_DECIMAL)}) THEN CAST(${short} AS ${AMOUNT_TYPE}) ` +
    `WHEN regexp_full_match(${column}, ${sqlText(PLAIN_DECIMAL)}) THEN TRY_CAST(${column} AS ${AMOUNT_TYPE}) ` +
    `ELSE exact_decimal(${column}) END`
  );
}

/** Whether the short decimal of a text is not that text's exact value. */
export function isLongTextSql(column: string): string {
  return `${column} IS NOT NULL AND NOT regexp_full_match(${column}, ${sqlText(SHORT_DECIMAL)})`;
}

/** Doubles from here on have fewer than ten digits after the point among their fifteen. */
export const LARGE_DOUBLE = 100_000;

/** A column of doubles. */
export interface DoubleColumn {
  /** Its SQL. */
  name: string;
  /** The name of its `smallDecimalSql` in the same row. */
  small: string;
  /** Whether it may hold `LARGE_DOUBLE` or more. False is quicker, and where it is wrong the value counts as long. */
  maybeLarge: boolean;
}

/** The decimal of a double below `LARGE_DOUBLE`, and NULL for others. */
export function smallDecimalSql(name: string): string {
  return `TRY_CAST(${name} AS DECIMAL(15,10))`;
}

/**
 * The decimal of a double column by its shortest round-trip text. A decimal of at most 15 digits that reads
 * back as the same double is that text, since no two such decimals share a double; only other doubles go
 * through text, in exact mode.
 */
export function doubleDecimalSql(column: DoubleColumn, mode: DecimalMode): string {
  const { name } = column;
  const short = withLarge(column, 'DECIMAL(18,10)');
  if (mode === 'short') return short;
  return `CASE WHEN ${readBackSql(column)} = ${name} THEN CAST(${short} AS ${AMOUNT_TYPE}) ELSE exact_decimal(CAST(${name} AS VARCHAR)) END`;
}

/** Whether the short decimal of a double is not its shortest text. */
export function isLongDoubleSql(column: DoubleColumn): string {
  return `${readBackSql(column)} IS DISTINCT FROM ${column.name}`;
}

/** Both casts back divide an integer below 2^53 by a power of ten that a double holds exactly, so they round once. */
function readBackSql(column: DoubleColumn): string {
  return withLarge(column, 'DOUBLE');
}

/** The 15 digits of a double as another type, wherever the point stands among them. */
function withLarge({ name, small, maybeLarge }: DoubleColumn, type: string): string {
  const value = `CAST(${small} AS ${type})`;
  if (!maybeLarge) return value;
  return `coalesce(${value}, CASE WHEN abs(${name}) >= ${LARGE_DOUBLE} THEN CAST(TRY_CAST(${name} AS DECIMAL(15,7)) AS ${type}) END)`;
}
