import { Big } from 'big.js';
import type { FileReading } from '../../domain/billing/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Transaction } from '../shared/connection.ts';

/** What a bill costs in one currency: exact decimal text, and how many daily rows hold it. */
export interface BillTotals {
  currency: string;
  costRows: number;
  billedCost: string;
  effectiveCost: string;
  contractedCost: string;
  listCost: string;
}

/** One currency's proof that what was stored is what the files say. */
export interface Reconciliation {
  currency: string;
  /** Line items taken from the files. */
  fileRows: number;
  /** Exact sum of unblended cost over the taken line items of all files. */
  filesBilledCost: string;
  /** Exact sum of billed cost over the staged daily rows: equal, or the import fails. */
  storedBilledCost: string;
}

const TOTALS = `
  billing_currency, sum(cost_rows)::bigint as cost_rows, trim_scale(sum(billed_cost)) as billed_cost,
  trim_scale(sum(effective_cost)) as effective_cost, trim_scale(sum(contracted_cost)) as contracted_cost,
  trim_scale(sum(list_cost)) as list_cost`;

/** Exact totals of what was staged, by currency. */
export async function stagedTotals(tx: Transaction): Promise<BillTotals[]> {
  return totalsOf(await tx.raw(`select ${TOTALS} from staged_totals join staged_kinds using (kind_number) group by billing_currency order by 1`));
}

/** Exact totals of what the record holds for a bill, by currency, from its roll-up. */
export async function storedTotals(tx: Transaction, billKey: number): Promise<BillTotals[]> {
  const sql = `select ${TOTALS} from daily_service_costs s join charge_kinds k on k.key = s.kind_key
    where s.bill_key = ? group by billing_currency order by 1`;
  return totalsOf(await tx.raw(sql, [billKey]));
}

function totalsOf(result: { rows: Record<string, unknown>[] }): BillTotals[] {
  return result.rows.map((row) => ({
    currency: row.billing_currency as string,
    costRows: row.cost_rows as number,
    billedCost: row.billed_cost as string,
    effectiveCost: row.effective_cost as string,
    contractedCost: row.contracted_cost as string,
    listCost: row.list_cost as string,
  }));
}

/**
 * Compares what the files say with what was staged, currency by currency, to the last digit. A
 * currency that the files charge in must be staged even if its sum is zero, and no other may be.
 * Fails with `billing.reconciliation-failed`, both figures in the message.
 */
export function reconcile(files: FileReading[], staged: BillTotals[]): Reconciliation[] {
  const inFiles = new Map<string, { rows: number; billed: Big }>();
  for (const taken of files.flatMap((file) => file.taken)) {
    const sum = inFiles.get(taken.currency) ?? { rows: 0, billed: Big(0) };
    inFiles.set(taken.currency, { rows: sum.rows + taken.rows, billed: sum.billed.plus(taken.billedCost) });
  }
  const stored = new Map(staged.map((totals) => [totals.currency, totals.billedCost]));
  const currencies = [...new Set([...inFiles.keys(), ...stored.keys()])].sort();
  return currencies.flatMap((currency) => {
    const file = inFiles.get(currency) ?? { rows: 0, billed: Big(0) };
    const storedBilledCost = stored.get(currency) ?? null;
    if (file.rows === 0 && storedBilledCost === null) return [];
    const filesBilledCost = file.billed.toFixed();
    if (file.rows === 0 || storedBilledCost === null || !file.billed.eq(storedBilledCost)) {
      throw mismatch(currency, filesBilledCost, storedBilledCost);
    }
    return [{ currency, fileRows: file.rows, filesBilledCost, storedBilledCost }];
  });
}

/** Fails unless the merged record holds exactly what was staged: every row, every cost, every currency. */
export function proveMerged(staged: BillTotals[], stored: BillTotals[]): void {
  if (JSON.stringify(staged) === JSON.stringify(stored)) return;
  throw new DomainError({
    kind: 'invariant',
    code: 'billing.reconciliation-failed',
    message: 'After the merge the record did not hold what was staged, so nothing was changed. Report this as a bug.',
    details: { staged, stored },
  });
}

function mismatch(currency: string, files: string, stored: string | null): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'billing.reconciliation-failed',
    message:
      `The files bill ${files} ${currency}, but ${stored ?? 'nothing'} was read from them into daily costs. ` +
      'The previous figures stay. Import the month again; if it repeats, report it as a bug.',
    details: { currency, files, stored },
  });
}
