import { Big } from 'big.js';
import type { CurrencyTotals, FileReading } from '../../../domain/billing/ports.ts';
import type { DuckDbRow } from '../../duckdb/protocol.ts';
import type { FileSource } from './line-sql.ts';

/** The totals of one file, from rows of account, currency and whether they are split-cost lines. */
export function fileReadingOf(
  source: FileSource,
  totals: DuckDbRow[],
  takenAccounts: 'all' | string[],
): { file: FileReading; warnings: string[] } {
  const lines = totals.filter((row) => row['is_split'] === false);
  const isTaken = (row: DuckDbRow): boolean => takenAccounts === 'all' || takenAccounts.includes(String(row['account_id']));
  const taken = new Map<string, CurrencyTotals>();
  for (const row of lines.filter(isTaken)) {
    const currency = String(row['currency']);
    const known = taken.get(currency) ?? { currency, rows: 0, billedCost: '0' };
    known.rows += Number(row['rows']);
    known.billedCost = new Big(known.billedCost).plus(String(row['billed_cost'])).toFixed();
    taken.set(currency, known);
  }
  const skippedAccounts = lines.filter((row) => !isTaken(row)).map((row) => ({
    accountId: String(row['account_id']),
    currency: String(row['currency']),
    rows: Number(row['rows']),
    billedCost: new Big(String(row['billed_cost'])).toFixed(),
  }));
  const count = (rows: DuckDbRow[]): number => rows.reduce((sum, row) => sum + Number(row['rows']), 0);
  const file: FileReading = {
    position: source.position,
    key: source.key,
    rows: count(totals),
    taken: [...taken.values()],
    skippedAccounts,
    splitRows: count(totals) - count(lines),
  };
  const unknown = new Set(lines.flatMap((row) => (Array.isArray(row['unknown_types']) ? row['unknown_types'].map(String) : [])));
  const warnings = [...unknown].map((type) => `Lines of the unknown type ${type} are kept at their unblended cost.`);
  return { file, warnings };
}
