import { Big } from 'big.js';
import { DomainError, type FieldProblem } from '../shared/errors.ts';

/** What is shared out: GPUs in pieces, CPUs in cores, RAM in GiB. */
export const QUOTA_KINDS = ['gpu', 'cpu', 'ram_gib'] as const;
export type QuotaKind = (typeof QUOTA_KINDS)[number];

/**
 * Exact decimal texts, for example 0.625 of 3 GPUs: never floats, no exponent, at most `MOST_DECIMALS` after
 * and `MOST_DIGITS` before the point. Null for CPU or RAM: not limited.
 */
export interface QuotaAmounts {
  gpu: string;
  cpu: string | null;
  ram_gib: string | null;
}

/** Amounts of which none is unlimited: what is used, held or asked for. */
export type ExactAmounts = Readonly<Record<QuotaKind, string>>;

/** What there is at all. Null for a kind: nobody stated how much, so nothing is refused for it. */
export type CapacityAmounts = Readonly<Record<QuotaKind, string | null>>;

export const MOST_DECIMALS = 6;
export const MOST_DIGITS = 9;

export const NOTHING: ExactAmounts = { gpu: '0', cpu: '0', ram_gib: '0' };

const PLAIN = /^\d+(\.\d+)?$/;

/** What is wrong with `text` as an amount, as the end of a sentence that begins with its field; null when nothing is. */
export function problemOfAmount(text: string): { code: AmountCode; problem: string } | null {
  if (/^-\d+(\.\d+)?$/.test(text)) return { code: 'quotas.negative-amount', problem: `is ${text.slice(0, 40)}, which is negative; give zero or more` };
  if (text.length > 200 || !PLAIN.test(text)) return { code: 'quotas.not-a-decimal', problem: 'is not a plain decimal; write it as text like "0.625", without sign, exponent or spaces' };
  const [whole = '', fraction = ''] = text.split('.');
  if (fraction.replace(/0+$/, '').length > MOST_DECIMALS) return { code: 'quotas.too-many-decimals', problem: `has more than ${MOST_DECIMALS} decimals; give at most that many` };
  if (whole.replace(/^0+/, '').length > MOST_DIGITS) return { code: 'quotas.too-large', problem: `has more than ${MOST_DIGITS} digits before the point; give less` };
  return null;
}

export type AmountCode = 'quotas.negative-amount' | 'quotas.not-a-decimal' | 'quotas.too-many-decimals' | 'quotas.too-large';

/** The one way of writing an amount: no zeros that say nothing. The text must be a plain decimal. */
export function plainAmount(text: string): string {
  return new Big(text).toFixed();
}

/**
 * Amounts in their one way of writing. Throws, naming each field: `quotas.negative-amount`,
 * `quotas.not-a-decimal`, `quotas.too-many-decimals`, `quotas.too-large` (the first problem gives the code).
 *
 * @param under path of the object that holds the fields, for example `quota`; empty for the body itself.
 */
export function readAmounts<A extends CapacityAmounts | QuotaAmounts | ExactAmounts>(amounts: A, under = ''): A {
  const problems: (FieldProblem & { code: AmountCode })[] = [];
  const read: Record<QuotaKind, string | null> = { gpu: null, cpu: null, ram_gib: null };
  for (const kind of QUOTA_KINDS) {
    const text = amounts[kind];
    if (text === null) continue;
    const wrong = problemOfAmount(text);
    if (wrong === null) read[kind] = plainAmount(text);
    else problems.push({ field: under === '' ? kind : `${under}.${kind}`, ...wrong });
  }
  const [first] = problems;
  if (first === undefined) return read as A;
  const fields = problems.map(({ field, problem }) => ({ field, problem }));
  throw new DomainError({ kind: 'invalid-input', code: first.code, message: fields.map(({ field, problem }) => `${field}: ${problem}`).join(' '), fields });
}

/** `readAmounts`, and at least one of them must be above zero: `quotas.zero`. An unlimited kind counts as above. */
export function readSomething<A extends QuotaAmounts | ExactAmounts>(amounts: A, under = ''): A {
  const read = readAmounts(amounts, under);
  if (QUOTA_KINDS.some((kind) => read[kind] === null || new Big(read[kind]).gt(0))) return read;
  const problem = 'is nothing at all; ask for more than zero of GPU, CPU or RAM';
  const field = under === '' ? 'gpu' : under;
  throw new DomainError({ kind: 'invalid-input', code: 'quotas.zero', message: `${field}: ${problem}`, fields: [{ field, problem }] });
}

/** An amount as a whole number of millionths, for adding up thousands of them: exact too, and faster. */
export function toMillionths(amount: string): bigint {
  const [whole = '', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(MOST_DECIMALS, '0'));
}

export function fromMillionths(millionths: bigint): string {
  const digits = millionths.toString().padStart(MOST_DECIMALS + 1, '0');
  const fraction = digits.slice(-MOST_DECIMALS).replace(/0+$/, '');
  return `${digits.slice(0, -MOST_DECIMALS)}${fraction === '' ? '' : `.${fraction}`}`;
}

export function plus(a: ExactAmounts, b: ExactAmounts): ExactAmounts {
  return byKind((kind) => new Big(a[kind]).plus(b[kind]).toFixed());
}

export function minus(a: ExactAmounts, b: ExactAmounts): ExactAmounts {
  return byKind((kind) => new Big(a[kind]).minus(b[kind]).toFixed());
}

/** What a quota adds to a sum: a kind without limit adds nothing, because it is only allowed where nothing is limited. */
export function counted(amounts: CapacityAmounts | QuotaAmounts): ExactAmounts {
  return byKind((kind) => amounts[kind] ?? '0');
}

/** What is left of a limit. Null where there is none; never below zero in a correct record. */
export function leftOf(limit: CapacityAmounts | QuotaAmounts, taken: ExactAmounts): CapacityAmounts {
  const left = (kind: QuotaKind) => {
    const most = limit[kind];
    return most === null ? null : new Big(most).minus(taken[kind]).toFixed();
  };
  return { gpu: left('gpu'), cpu: left('cpu'), ram_gib: left('ram_gib') };
}

/** The kinds of which `asked` is more than `limit`; a quota without limit is more than any limit. */
export function kindsAbove(asked: CapacityAmounts | QuotaAmounts, limit: CapacityAmounts | QuotaAmounts): QuotaKind[] {
  return QUOTA_KINDS.filter((kind) => {
    const most = limit[kind];
    const wanted = asked[kind];
    return most !== null && (wanted === null || new Big(wanted).gt(most));
  });
}

export function areWithin(asked: CapacityAmounts | QuotaAmounts, limit: CapacityAmounts | QuotaAmounts): boolean {
  return kindsAbove(asked, limit).length === 0;
}

/** For people: `0.5 GPU, 4 CPU, 16 GiB RAM`, unlimited kinds in words. */
export function describeAmounts(amounts: CapacityAmounts | QuotaAmounts): string {
  const unit: Record<QuotaKind, string> = { gpu: 'GPU', cpu: 'CPU', ram_gib: 'GiB RAM' };
  return QUOTA_KINDS.map((kind) => `${amounts[kind] ?? 'unlimited'} ${unit[kind]}`).join(', ');
}

function byKind(make: (kind: QuotaKind) => string): ExactAmounts {
  return { gpu: make('gpu'), cpu: make('cpu'), ram_gib: make('ram_gib') };
}
