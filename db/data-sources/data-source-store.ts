import type { BillingImport } from '../../domain/billing/billing-import.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import type { DiscoveryOfSource } from '../../domain/data-sources/discovery.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { inOrder, positionColumn, positionIn, type ListOrder, type ListPosition } from '../shared/list-order.ts';
import { insertImport, openImportsOf, saveImport } from './import-store.ts';

type Row = Record<string, unknown>;

/** Reads and locks a data source with its open imports until the transaction ends. */
export async function lockDataSource(tx: Transaction, organizationId: string, id: string): Promise<DataSource | null> {
  const row = await tx('data_sources').where({ organization_id: organizationId, id }).forUpdate().first<Row>();
  return row === undefined ? null : toDataSource(row, await openImportsOf(tx, organizationId, id));
}

export async function insertDataSource(tx: Transaction, source: DataSource): Promise<void> {
  await tx('data_sources').insert({
    id: source.id,
    organization_id: source.organizationId,
    created_at: source.createdAt,
    cloud: source.cloud,
    kind: source.kind,
    ...toColumns(source),
  });
  if (source.waiting !== null) await insertImport(tx, source.waiting);
}

/** Writes the row and those of its imports that changed. */
export async function saveDataSource(tx: Transaction, before: DataSource, after: DataSource): Promise<void> {
  await tx('data_sources').where({ organization_id: after.organizationId, id: after.id }).update(toColumns(after));
  const known = new Map<string, BillingImport>();
  for (const one of [before.running, before.waiting]) if (one !== null) known.set(one.id, one);
  // Ended ones first: at most one import runs and one waits, which the database checks at each statement.
  for (const one of [...after.ended, after.running, after.waiting]) {
    if (one === null) continue;
    const old = known.get(one.id);
    if (old === undefined) await insertImport(tx, one);
    else if (JSON.stringify(old) !== JSON.stringify(one)) await saveImport(tx, one);
  }
}

function toColumns(source: DataSource): Row {
  return {
    name: source.name,
    account_id: source.accountId,
    credentials_kind: source.credentialsKind,
    export: source.export === null ? null : JSON.stringify(source.export),
    linked_accounts: source.linkedAccounts,
    import_interval_minutes: source.importIntervalMinutes,
    initial_months: source.initialMonths,
    state: source.state,
    schedule_applied: source.scheduleApplied,
    version: source.version,
    fence: source.fence,
    next_due_at: source.nextDueAt,
    last_at: source.lastAt,
    last_attempt_at: source.lastAttemptAt,
    last_success_at: source.lastSuccessAt,
    last_error: source.lastError === null ? null : JSON.stringify(source.lastError),
    warnings: JSON.stringify(source.warnings),
    connection: JSON.stringify(source.connection),
    ...discoveryColumns(source.discovery),
  };
}

function discoveryColumns(discovery: DiscoveryOfSource): Row {
  const orNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
  return {
    discovery_interval_minutes: discovery.intervalMinutes,
    discovery_schedule_applied: discovery.scheduleApplied,
    discovery_current: orNull(discovery.current),
    discovery_next: orNull(discovery.next),
    last_discovery_attempt_at: discovery.lastAttemptAt,
    last_discovery_success_at: discovery.lastSuccessAt,
    last_discovery_error: orNull(discovery.lastError),
  };
}

function toDiscovery(row: Row): DiscoveryOfSource {
  return {
    intervalMinutes: row.discovery_interval_minutes as number,
    scheduleApplied: row.discovery_schedule_applied as string,
    current: row.discovery_current as DiscoveryOfSource['current'],
    next: row.discovery_next as DiscoveryOfSource['next'],
    lastAttemptAt: row.last_discovery_attempt_at as string | null,
    lastSuccessAt: row.last_discovery_success_at as string | null,
    lastError: row.last_discovery_error as DiscoveryOfSource['lastError'],
    ended: [],
  };
}

function toDataSource(row: Row, imports: { running: BillingImport | null; waiting: BillingImport | null }): DataSource {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    cloud: row.cloud as DataSource['cloud'],
    kind: row.kind as DataSource['kind'],
    name: row.name as string,
    accountId: row.account_id as string,
    connection: row.connection as DataSource['connection'],
    credentialsKind: row.credentials_kind as DataSource['credentialsKind'],
    export: row.export as DataSource['export'],
    linkedAccounts: row.linked_accounts as DataSource['linkedAccounts'],
    importIntervalMinutes: row.import_interval_minutes as DataSource['importIntervalMinutes'],
    initialMonths: row.initial_months as number,
    state: row.state as DataSource['state'],
    scheduleApplied: row.schedule_applied as string,
    version: row.version as number,
    fence: row.fence as number,
    nextDueAt: row.next_due_at as string | null,
    lastAt: row.last_at as string,
    lastAttemptAt: row.last_attempt_at as string | null,
    lastSuccessAt: row.last_success_at as string | null,
    lastError: row.last_error as DataSource['lastError'],
    warnings: row.warnings as string[],
    createdAt: row.created_at as string,
    ended: [],
    ...imports,
    discovery: toDiscovery(row),
  };
}

/** One data source without a lock, deleted ones included. */
export async function getDataSource(db: Database, organizationId: string, id: string): Promise<DataSource | null> {
  const row = await db('data_sources').where({ organization_id: organizationId, id }).first<Row>();
  return row === undefined ? null : toDataSource(row, await openImportsOf(db, organizationId, id));
}

/** The one that has the account, until it is deleted. */
export async function dataSourceOfAccount(db: Database, organizationId: string, cloud: string, accountId: string): Promise<DataSource | null> {
  const key = { organization_id: organizationId, cloud, account_id: accountId };
  const row = await db('data_sources').where(key).whereNot('state', 'deleted').first<Row | undefined>('id');
  return row === undefined ? null : await getDataSource(db, organizationId, row.id as string);
}

export async function organizationOfDataSource(db: Database, id: string): Promise<string | null> {
  const row = await db('data_sources').where({ id }).whereNot('state', 'deleted').first<Row>('organization_id');
  return (row?.organization_id as string | undefined) ?? null;
}

/** Accounts connected in an organization: what `linked_accounts: connected` takes. */
export async function connectedAccounts(db: Database, organizationId: string): Promise<string[]> {
  const rows = await db('data_sources')
    .where({ organization_id: organizationId, cloud: 'aws' })
    .whereNotIn('state', ['deleting', 'deleted'])
    .distinct<{ account_id: string }[]>('account_id')
    .orderBy('account_id');
  return rows.map((row) => row.account_id);
}

/** Root data sources that take only connected accounts: they import anew when one is connected or deleted. */
export async function rootsTakingConnected(tx: Transaction, organizationId: string): Promise<string[]> {
  const rows = await tx('data_sources')
    .where({ organization_id: organizationId, kind: 'root', linked_accounts: 'connected' })
    .whereIn('state', ['active', 'paused'])
    .select<{ id: string }[]>('id')
    .orderBy('id');
  return rows.map((row) => row.id);
}

export interface DataSourceFilter {
  search?: string | undefined;
  cloud?: string | undefined;
  kind?: string | undefined;
  state?: string | undefined;
}

/** What data sources are sorted by; those that were never imported come first by their last success. */
const SORTS = {
  name: { expression: 'lower(name)', type: 'text' },
  created_at: { expression: 'created_at', type: 'timestamptz' },
  last_success_at: { expression: `coalesce(last_success_at, '-infinity')`, type: 'timestamptz' },
} satisfies Record<string, Omit<ListOrder, 'descending'>>;
export type DataSourceSort = keyof typeof SORTS;
export const DATA_SOURCE_SORTS = Object.keys(SORTS) as DataSourceSort[];

/** Data sources of an organization in order, deleted ones left out; `after` is where the page before ended. */
export async function listDataSources(
  db: Database,
  organizationId: string,
  filter: DataSourceFilter,
  page: { limit: number; sort: DataSourceSort; descending: boolean; after: ListPosition | null },
): Promise<{ rows: (DataSource & { position: ListPosition })[]; total: number }> {
  const matching = db('data_sources').where('organization_id', organizationId).whereNot('state', 'deleted');
  if (filter.cloud !== undefined) void matching.where('cloud', filter.cloud);
  if (filter.kind !== undefined) void matching.where('kind', filter.kind);
  if (filter.state !== undefined) void matching.where('state', filter.state);
  if (filter.search !== undefined) {
    const pattern = `%${escapeLike(filter.search)}%`;
    void matching.where((either) => void either.whereILike('name', pattern).orWhereILike('account_id', pattern));
  }
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const order = { ...SORTS[page.sort], descending: page.descending };
  inOrder(matching, order, 'id', page);
  const found = await matching.select<Row[]>('*', db.raw(positionColumn(order)));
  const rows: (DataSource & { position: ListPosition })[] = [];
  for (const row of found) {
    const source = toDataSource(row, await openImportsOf(db, organizationId, row.id as string));
    rows.push({ ...source, position: positionIn(row, source.id) });
  }
  return { rows, total: counted?.count ?? 0 };
}

/** Every data source that may want a Temporal Schedule: for the reconciler. */
export async function dataSourcesWithSchedules(db: Database): Promise<DataSource[]> {
  const rows = await db('data_sources').whereIn('state', ['active', 'paused']).select<Row[]>('*');
  return rows.map((row) => toDataSource(row, { running: null, waiting: null }));
}
