import type { LineOwner } from './cost-rules.ts';

/** Begins the native id of a line that belongs to no cloud resource. */
export const NAMED_LINE_PREFIX = 'line:';

/** What decides where a line belongs. Empty text where the bill has none. */
export interface OwnedLine {
  lineItemType: string;
  productCode: string;
  resourceId: string;
  reservationArn: string;
  savingsPlanArn: string;
}

/** The id of what a line belongs to, and whether that is no cloud resource. */
export interface LineIdentity {
  nativeId: string;
  isNamedLine: boolean;
}

/**
 * Where a line belongs: a plan's or reservation's lines under its ARN; others under their resource
 * id; lines without one under one named line per account, type and product code. The resource id
 * is kept whole: cut at a slash, different ARNs would become one.
 */
export function identifyLine(owner: LineOwner, line: OwnedLine): LineIdentity {
  if (owner === 'savings-plan' && line.savingsPlanArn !== '') return { nativeId: line.savingsPlanArn, isNamedLine: true };
  if (owner === 'reservation' && line.reservationArn !== '') return { nativeId: line.reservationArn, isNamedLine: true };
  if (line.resourceId !== '') return { nativeId: line.resourceId, isNamedLine: false };
  return { nativeId: `${NAMED_LINE_PREFIX}${line.lineItemType}:${line.productCode}`, isNamedLine: true };
}

/** The named line that shows a plan's covered amount: the plan's ARN, or one line per type and product code without it. */
export function planLineId(line: OwnedLine): string {
  return line.savingsPlanArn !== '' ? line.savingsPlanArn : `${NAMED_LINE_PREFIX}SavingsPlanNegation:${line.productCode}`;
}
