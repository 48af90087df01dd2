import { sqlText } from '../../duckdb/duckdb-process.ts';

/** What costs and quantities are kept in: NUMERIC(38,24) of PostgreSQL. */
export const AMOUNT_TYPE = 'DECIMAL(38,24)';

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

/** The decimal of a text column, NULL where it is NULL, no number or has more digits than the column. */
export function textDecimalSql(column: string): string {
  return (
    `CASE WHEN regexp_full_match(${column}, ${sqlText(SHORT_DECIMAL)}) THEN CAST(TRY_CAST(${column} AS DECIMAL(18,10)) AS ${AMOUNT_TYPE}) ` +
    `WHEN regexp_full_match(${column}, ${sqlText(PLAIN_DECIMAL)}) THEN TRY_CAST(${column} AS ${AMOUNT_TYPE}) ` +
    `ELSE exact_decimal(${column}) END`
  );
}

/**
 * The decimal of a double column by its shortest round-trip text. A decimal of at most 15 digits that reads
 * back as the same double is that text, since no two such decimals share a double; only
 * other doubles go through text.
 */
export function doubleDecimalSql(column: string): string {
  const short = `TRY_CAST(${column} AS DECIMAL(18,10))`;
  return (
    `CASE WHEN abs(${column}) < 100000 AND CAST(${short} AS DOUBLE) = ${column} THEN CAST(${short} AS ${AMOUNT_TYPE}) ` +
    `ELSE exact_decimal(CAST(${column} AS VARCHAR)) END`
  );
}
