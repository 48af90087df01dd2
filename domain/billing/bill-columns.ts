import { normaliseReportName, RESOURCE_TAG_PREFIX, RESOURCE_TAG_SNAKE_PREFIX } from './tag-keys.ts';

/**
 * The columns of a bill that are read, by the legacy CSV name `category/Name`. The snake-case names
 * of legacy Parquet and CUR 2.0 follow from it by AWS's own rule (`normaliseReportName`).
 * Several names are spellings seen in real files, in order of preference.
 */
export const BILL_COLUMNS = {
  periodStart: ['bill/BillingPeriodStartDate'],
  invoiceId: ['bill/InvoiceId'],
  billingEntity: ['bill/BillingEntity'],
  accountId: ['lineItem/UsageAccountId'],
  lineItemType: ['lineItem/LineItemType'],
  usageStart: ['lineItem/UsageStartDate'],
  usageEnd: ['lineItem/UsageEndDate'],
  productCode: ['lineItem/ProductCode'],
  usageType: ['lineItem/UsageType'],
  operation: ['lineItem/Operation'],
  availabilityZone: ['lineItem/AvailabilityZone'],
  resourceId: ['lineItem/ResourceId'],
  usageAmount: ['lineItem/UsageAmount'],
  currency: ['lineItem/CurrencyCode'],
  description: ['lineItem/LineItemDescription'],
  unblendedCost: ['lineItem/UnblendedCost'],
  netUnblendedCost: ['lineItem/NetUnblendedCost'],
  publicOnDemandCost: ['pricing/publicOnDemandCost'],
  pricingUnit: ['pricing/unit'],
  productName: ['product/ProductName'],
  regionCode: ['product/regionCode'],
  region: ['product/region'],
  reservationArn: ['reservation/ReservationARN', 'reservation/ReservationArn'],
  reservationEffectiveCost: ['reservation/EffectiveCost'],
  unusedAmortizedUpfrontFee: ['reservation/UnusedAmortizedUpfrontFeeForBillingPeriod'],
  unusedRecurringFee: ['reservation/UnusedRecurringFee'],
  savingsPlanArn: ['savingsPlan/SavingsPlanARN', 'savingsPlan/SavingsPlanArn'],
  savingsPlanEffectiveCost: ['savingsPlan/SavingsPlanEffectiveCost'],
  totalCommitmentToDate: ['savingsPlan/TotalCommitmentToDate'],
  usedCommitment: ['savingsPlan/UsedCommitment'],
} as const satisfies Record<string, readonly string[]>;

export type BillColumn = keyof typeof BILL_COLUMNS;

/** Without these a bill cannot be read exactly; any other column may be missing. */
export const REQUIRED_COLUMNS = [
  'accountId',
  'lineItemType',
  'usageStart',
  'usageEnd',
  'unblendedCost',
  'currency',
  'periodStart',
] as const satisfies readonly BillColumn[];

/** Map columns of CUR 2.0: a JSON object in CSV, a MAP in Parquet. */
export const MAP_COLUMNS = ['product', 'resource_tags', 'tags'] as const;
export type MapColumn = (typeof MAP_COLUMNS)[number];

/** Which keys of the CUR 2.0 `product` map stand for columns that the legacy report has. */
export const PRODUCT_MAP_KEYS = { productName: 'product_name', region: 'region' } as const satisfies Partial<
  Record<BillColumn, string>
>;

/** How the names of a file are written. */
export type HeaderStyle = 'slashed' | 'snake';

export interface TagColumn {
  index: number;
  /** `user:Team` from a slashed header, `user_team` from a snake-case one. */
  sourceKey: string;
}

/** Where each column lies in one file. Positions count from 0. */
export interface ColumnPositions {
  style: HeaderStyle;
  fixed: Partial<Record<BillColumn, number>>;
  maps: Partial<Record<MapColumn, number>>;
  tags: TagColumn[];
  /** Columns given more than once; the first position is the one in `fixed`. */
  repeated: BillColumn[];
  /** Positions whose name is blank: nothing may stand beneath them. */
  unnamed: number[];
}

/** The name by which an error or a document calls a column, in the style of the file. */
export function columnName(column: BillColumn, style: HeaderStyle): string {
  const [name] = BILL_COLUMNS[column];
  return style === 'slashed' ? name : normaliseReportName(name);
}

const BY_LOWER_NAME = new Map<string, BillColumn>(
  (Object.keys(BILL_COLUMNS) as BillColumn[]).flatMap((column) =>
    BILL_COLUMNS[column].flatMap((name): [string, BillColumn][] => [
      [name.toLowerCase(), column],
      [normaliseReportName(name), column],
    ]),
  ),
);

/**
 * Binds the names of one file to positions. Fixed names are compared ignoring case, as AWS writes
 * them irregularly; tag names exactly, as `user:Owner` and `user:OWNER` are two tags.
 */
export function bindColumns(names: readonly string[]): ColumnPositions {
  const style: HeaderStyle = names.some((name) => name.includes('/')) ? 'slashed' : 'snake';
  const positions: ColumnPositions = { style, fixed: {}, maps: {}, tags: [], repeated: [], unnamed: [] };
  for (const [index, name] of names.entries()) bindColumn(positions, name, index);
  return positions;
}

function bindColumn(positions: ColumnPositions, name: string, index: number): void {
  if (name.trim() === '') {
    positions.unnamed.push(index);
    return;
  }
  if (name.startsWith(RESOURCE_TAG_PREFIX)) {
    positions.tags.push({ index, sourceKey: name.slice(RESOURCE_TAG_PREFIX.length) });
    return;
  }
  const lower = name.toLowerCase();
  const map = MAP_COLUMNS.find((column) => column === lower);
  if (map !== undefined) {
    positions.maps[map] ??= index;
    return;
  }
  if (lower.startsWith(RESOURCE_TAG_SNAKE_PREFIX)) {
    positions.tags.push({ index, sourceKey: lower.slice(RESOURCE_TAG_SNAKE_PREFIX.length) });
    return;
  }
  const column = BY_LOWER_NAME.get(lower);
  if (column === undefined) return;
  if (positions.fixed[column] === undefined) positions.fixed[column] = index;
  else positions.repeated.push(column);
}

/** The first required column that a file lacks, or null. */
export function missingColumn(positions: ColumnPositions): BillColumn | null {
  return REQUIRED_COLUMNS.find((column) => positions.fixed[column] === undefined) ?? null;
}
