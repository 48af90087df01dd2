import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Big } from 'big.js';
import { newId } from '../../commands/shared/new-id.ts';
import type { BillSource } from '../../db/billing/billing-period-store.ts';
import { replacePeriod, type PeriodDifferences } from '../../db/billing/replace-period.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { COST_COLUMNS, KIND_COLUMNS, RESOURCE_COLUMNS } from '../../domain/billing/period-columns.ts';
import type { CurrencyTotals, PeriodReading } from '../../domain/billing/ports.ts';
import type { TagKey } from '../../domain/billing/tag-keys.ts';

/** A daily cost as a reading has it; what is left out is ordinary usage of one instance. */
export interface CostRow {
  account: string;
  nativeId: string;
  date: string;
  category: string;
  class: string;
  service: string;
  region: string;
  unit: string;
  currency: string;
  quantity: string;
  billed: string;
  effective: string;
  contracted: string;
  list: string;
}

export function costRow(row: Partial<CostRow> & { billed: string }): CostRow {
  return {
    account: '012345678901',
    nativeId: 'i-1',
    date: '2026-10-05',
    category: 'Usage',
    class: '',
    service: 'AmazonEC2',
    region: 'us-east-1',
    unit: 'Hrs',
    currency: 'USD',
    quantity: '24',
    effective: row.billed,
    contracted: row.billed,
    list: row.billed,
    ...row,
  };
}

/** A resource as a reading has it. */
export interface ResourceRow {
  account: string;
  nativeId: string;
  isNamedLine: boolean;
  name: string;
  type: string;
  service: string;
  region: string;
  tags: Record<string, string>;
  firstSeen: string;
  lastSeen: string;
}

export function resourceRow(row: Partial<ResourceRow> = {}): ResourceRow {
  return {
    account: '012345678901',
    nativeId: 'i-1',
    isNamedLine: false,
    name: row.nativeId ?? 'i-1',
    type: 'ec2:instance',
    service: 'AmazonEC2',
    region: 'us-east-1',
    tags: {},
    firstSeen: '2026-10-01T00:00:00.000Z',
    lastSeen: '2026-10-31T00:00:00.000Z',
    ...row,
  };
}

/** One month's content. Resources that are not described are made from the costs. */
export interface PeriodContent {
  costs: CostRow[];
  resources?: ResourceRow[];
  tagKeys?: TagKey[];
}

const quote = (field: string): string => `"${field.replaceAll('"', '""')}"`;
const csvOf = (columns: readonly string[], rows: string[][]): string =>
  [columns.join(','), ...rows.map((row) => row.map(quote).join(','))].join('\n').concat('\n');

type ResourceKey = Pick<ResourceRow, 'account' | 'nativeId'>;
const resourceKey = ({ account, nativeId }: ResourceKey): string => `${account}/${nativeId}`;

function describe({ costs, resources = [] }: PeriodContent): ResourceRow[] {
  const byKey = new Map(resources.map((row) => [resourceKey(row), row]));
  for (const row of costs) {
    const key = resourceKey(row);
    if (!byKey.has(key)) byKey.set(key, resourceRow({ account: row.account, nativeId: row.nativeId, service: row.service, region: row.region }));
  }
  return [...byKey.values()];
}

/** Exact sums by currency, as the files would give them. */
export function totalsOf(costs: CostRow[]): CurrencyTotals[] {
  const totals = new Map<string, { rows: number; billed: Big }>();
  for (const { currency, billed } of costs) {
    const sum = totals.get(currency) ?? { rows: 0, billed: Big(0) };
    totals.set(currency, { rows: sum.rows + 1, billed: sum.billed.plus(billed) });
  }
  return [...totals].map(([currency, { rows, billed }]) => ({ currency, rows, billedCost: billed.toFixed() }));
}

const kindOf = (row: CostRow): string[] => [row.category, row.class, row.service, row.region, row.unit, row.currency];

/** The line, counted from one, on which a file has the row with the same key. */
function numbering<Row>(rows: readonly Row[], keyOf: (row: Row) => string): (row: Row) => string {
  const numbers = new Map(rows.map((row, index) => [keyOf(row), index + 1]));
  return (row) => String(numbers.get(keyOf(row)) ?? 0);
}

/** Writes a reading's three files into `directory`. */
export async function writeReading(directory: string, content: PeriodContent): Promise<PeriodReading> {
  const { costs } = content;
  const resources = describe(content);
  const kinds = [...new Map(costs.map((row) => [JSON.stringify(kindOf(row)), kindOf(row)])).values()];
  const resourceNumber = numbering<ResourceKey>(resources, resourceKey);
  const kindNumber = numbering(kinds, (kind) => JSON.stringify(kind));
  const [costsPath, kindsPath, resourcesPath] = ['costs', 'kinds', 'resources'].map((name) => join(directory, `${name}.csv`)) as [string, string, string];
  await writeFile(costsPath, csvOf(COST_COLUMNS, costs.map((row) => [
    resourceNumber(row), kindNumber(kindOf(row)), row.date, row.quantity, row.billed, row.effective, row.contracted, row.list,
  ])));
  await writeFile(kindsPath, csvOf(KIND_COLUMNS, kinds.map((kind, index) => [String(index + 1), ...kind])));
  await writeFile(resourcesPath, csvOf(RESOURCE_COLUMNS, resources.map((row, index) => [
    String(index + 1), row.account, row.nativeId, String(row.isNamedLine), row.name, row.type, row.service, row.region,
    JSON.stringify(row.tags), row.firstSeen, row.lastSeen,
  ])));
  return {
    costsPath,
    costRows: costs.length,
    kindsPath,
    kindRows: kinds.length,
    resourcesPath,
    resourceRows: resources.length,
    files: [{ position: 0, key: 'bill-00001.csv.gz', rows: costs.length, taken: totalsOf(costs), skippedAccounts: [], splitRows: 0 }],
    tagKeys: content.tagKeys ?? [],
    isFinal: false,
    warnings: [],
  };
}

export interface Bill {
  organizationId: string;
  dataSourceId: string;
}

const AT = '2026-11-10T08:00:00.000Z';

/** An organization with one active data source, without commands: for tests of the record itself. */
export async function billOwner(db: Database, organizationId?: string): Promise<Bill> {
  const owner = { organizationId: organizationId ?? newId('organization'), dataSourceId: newId('data-source') };
  if (organizationId === undefined) {
    await db('organizations').insert({ id: owner.organizationId, name: 'Acme', created_at: AT, last_at: AT });
  }
  await db('data_sources').insert({
    id: owner.dataSourceId,
    organization_id: owner.organizationId,
    cloud: 'aws',
    kind: 'root',
    name: `AWS ${owner.dataSourceId}`,
    account_id: owner.dataSourceId,
    credentials_kind: 'default',
    linked_accounts: 'all',
    import_interval_minutes: 60,
    initial_months: 4,
    state: 'active',
    last_at: AT,
    created_at: AT,
  });
  return owner;
}

export const SOURCE: BillSource = {
  dialect: 'cur',
  completeness: 'manifest',
  manifest: { key: 'acme-Manifest.json', etag: 'm1', version: '20261105T000000Z', exportIdentity: null },
  objects: [{ key: 'bill-00001.csv.gz', etag: 'e1', sha256: 'a'.repeat(64), sizeBytes: 1000, format: 'csv.gz' }],
  takenAccounts: 'all',
};

export interface ImportOptions {
  source?: BillSource;
  /** Changes the reading before it is merged: to lie about what the files say. */
  tamper?: (reading: PeriodReading) => PeriodReading;
  /** Runs when all is written and nothing committed. */
  beforeCommit?: () => Promise<void>;
}

/** Imports one month as an import's transaction does. `month` is `2026-10`. */
export async function importMonth(
  db: Database,
  owner: Bill,
  month: string,
  content: PeriodContent,
  { source = SOURCE, tamper = (reading) => reading, beforeCommit = async () => {} }: ImportOptions = {},
): Promise<PeriodDifferences> {
  const directory = await mkdtemp(join(tmpdir(), 'orrery-reading-'));
  try {
    const reading = tamper(await writeReading(directory, content));
    return await inTransaction(db, async (tx) => {
      const differences = await replacePeriod(tx, {
        ...owner,
        cloud: 'aws',
        importId: newId('billing-import'),
        billingPeriod: `${month}-01`,
        generationId: newId('billing-generation'),
        reading,
        source,
        newResourceIds: (count) => Array.from({ length: count }, () => newId('resource')),
        at: AT,
      });
      await beforeCommit();
      return differences;
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
