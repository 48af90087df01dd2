import { isOpen, joinImport, type BillingImport, type ImportPeriod } from '../billing/billing-import.ts';
import { andThen, step, unchanged, type EntityRow, type Settled } from '../shared/entity.ts';
import { CLOUD_NAMES, type Cloud } from '../resources/instance.ts';
import { DomainError, type ErrorRecord } from '../shared/errors.ts';
import type { Instant, Month } from '../shared/time.ts';
import type { CloudCredentials } from './cloud-credentials.ts';
import type { CloudConnection } from './cloud-ports.ts';
import { settleDiscovery, type DiscoveryOfSource } from './discovery.ts';

export type DataSourceState = 'active' | 'paused' | 'deleting' | 'deleted';

/** Minutes between two scheduled imports that a data source may choose. */
export const IMPORT_INTERVALS = [15, 60, 360, 1440] as const;
export type ImportInterval = (typeof IMPORT_INTERVALS)[number];

/** Where the bill lies, once checked. */
export interface ExportSettings {
  scheme: 'adopt' | 'create' | 'bucket-only' | 'directory';
  dialect: 'cur' | 'cur2';
  /** Report or export name; null when only bucket or directory are known. */
  name: string | null;
  bucket: string | null;
  /** Verbatim; may be empty. */
  prefix: string;
  region: string | null;
  /** Of the scheme `directory`. */
  path: string | null;
}

/** How the account is reached; `none` for a directory of bills and for the sandbox. */
export type CredentialsKind = CloudCredentials['kind'] | 'none';

/**
 * `root`: the account's bill is imported. `linked`: its costs come with the bill of its root.
 * `account`: a cloud whose bills cannot be imported yet; only its resources are known.
 */
export type DataSourceKind = 'root' | 'linked' | 'account';

/**
 * A connection to a cloud account. Its imports and discoveries belong to it: one runs at a time, at
 * most one of each waits. The row decides; `data-source/<id>` waits and acts.
 */
export interface DataSource extends EntityRow {
  cloud: Cloud;
  kind: DataSourceKind;
  name: string;
  accountId: string;
  /** What identifies the account with its cloud, without secrets. */
  connection: CloudConnection;
  credentialsKind: CredentialsKind;
  export: ExportSettings | null;
  linkedAccounts: 'all' | 'connected';
  importIntervalMinutes: ImportInterval;
  /** How many of the newest months the first import reads: 1 to 36. */
  initialMonths: number;
  state: DataSourceState;
  /** The Temporal Schedule as it was last applied, in the form of `wantedSchedule`. */
  scheduleApplied: string;
  /** Grows with each attempt of long work; only the holder of the newest number may write. */
  fence: number;
  lastAttemptAt: Instant | null;
  lastSuccessAt: Instant | null;
  lastError: ErrorRecord | null;
  warnings: string[];
  createdAt: Instant;
  running: BillingImport | null;
  waiting: BillingImport | null;
  /** Imports that ended in this decision, for the store to write; empty when read. */
  ended: BillingImport[];
  discovery: DiscoveryOfSource;
}

/** The import Schedule a data source ought to have: `none`, or `every <minutes>` with `, paused`. */
export function wantedSchedule(source: Pick<DataSource, 'state' | 'kind' | 'importIntervalMinutes'>): string {
  if (source.kind !== 'root' || source.state === 'deleting' || source.state === 'deleted') return 'none';
  return `every ${source.importIntervalMinutes}${source.state === 'paused' ? ', paused' : ''}`;
}

/** Starts what waits when nothing of its kind runs, ends what is cancelled or finished. Repeating it changes nothing. */
export function settle(source: DataSource, at: Instant): Settled<DataSource> {
  const imports = andThen(endRunning(source, at), (current) => startWaiting(current, at));
  return andThen(imports, (current) => settleDiscovery(current, at));
}

function endRunning(source: DataSource, at: Instant): Settled<DataSource> {
  const { running } = source;
  if (running === null) return unchanged(source);
  if (running.cancelRequestedAt !== null || source.state === 'deleting') return finish(source, 'cancelled', null, at);
  if (running.periods?.every((period) => period.state !== 'pending') === true) return finish(source, 'completed', null, at);
  return unchanged(source);
}

function startWaiting(source: DataSource, at: Instant): Settled<DataSource> {
  const { waiting } = source;
  if (waiting === null || source.running !== null) return unchanged(source);
  if (source.state === 'deleting' || waiting.cancelRequestedAt !== null) {
    const cancelled: BillingImport = { ...waiting, state: 'cancelled', finishedAt: at };
    return step(source, { ...source, waiting: null, ended: [...source.ended, cancelled] }, 'billing.cancel-import');
  }
  const running: BillingImport = { ...waiting, state: 'running', startedAt: at };
  return step(source, { ...source, running, waiting: null, lastAttemptAt: at }, 'billing.start-import');
}

function finish(
  source: DataSource,
  state: 'completed' | 'failed' | 'cancelled',
  error: ErrorRecord | null,
  at: Instant,
): Settled<DataSource> {
  if (source.running === null) return unchanged(source);
  const after: DataSource = {
    ...source,
    running: null,
    ended: [...source.ended, { ...source.running, state, error, finishedAt: at }],
    lastSuccessAt: state === 'completed' ? at : source.lastSuccessAt,
    lastError: state === 'completed' ? null : (error ?? source.lastError),
  };
  return step(source, after, `billing.${IMPORT_ENDINGS[state]}`);
}

const IMPORT_ENDINGS = { completed: 'complete-import', failed: 'fail-import', cancelled: 'cancel-import' } as const;

/** Asks for an import: joins the waiting one, or the running one when no attempt of it has begun to look and the wish adds nothing. */
export function requestImport(
  source: DataSource,
  wish: Pick<BillingImport, 'id' | 'operationId' | 'cause' | 'automatic' | 'requestedMonths'>,
  at: Instant,
): { settled: Settled<DataSource>; import: BillingImport } {
  refuseImportOf(source);
  const { running, waiting } = source;
  if (waiting !== null) {
    const joined = joinImport(waiting, { automatic: wish.automatic, months: wish.requestedMonths });
    const changed = JSON.stringify(joined) !== JSON.stringify(waiting);
    const settled = changed ? step(source, { ...source, waiting: joined }, 'billing.join-import') : unchanged(source);
    return { settled, import: joined };
  }
  // Once an attempt holds a fence it may have read the export and the settings of before this wish.
  if (running !== null && running.fence === null && running.automatic && wish.requestedMonths.length === 0) {
    return { settled: unchanged(source), import: running };
  }
  const added: BillingImport = {
    ...wish,
    organizationId: source.organizationId,
    dataSourceId: source.id,
    state: 'scheduled',
    cancelRequestedAt: null,
    fence: null,
    attempts: 0,
    periods: null,
    error: null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
  };
  return { settled: step(source, { ...source, waiting: added }, 'billing.request-import'), import: added };
}

function refuseImportOf(source: DataSource): void {
  if (source.kind === 'linked') {
    throw new DomainError({
      kind: 'conflict',
      code: 'data-sources.linked-has-no-bill',
      message: `${source.name} is a linked account: its costs arrive with the bill of its root account. Import the root's data source.`,
    });
  }
  if (source.kind === 'account') throw noBillYet(source);
  refuseDeleted(source);
}

function noBillYet({ name, cloud }: DataSource): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'data-sources.no-bill-yet',
    message: `${name} has no bill to import: bills of ${CLOUD_NAMES[cloud]} are not read yet. Its instances are discovered all the same.`,
  });
}

/** Whether it is being deleted, or was. */
export function isLeaving(source: Pick<DataSource, 'state'>): boolean {
  return source.state === 'deleting' || source.state === 'deleted';
}

/** Refuses what a data source on its way out cannot do any more. */
export function refuseDeleted(source: DataSource): void {
  if (isLeaving(source)) {
    throw new DomainError({
      kind: 'conflict',
      code: 'data-sources.deleted',
      message: `Data source ${source.id} is being deleted. Connect the account anew once it is gone.`,
    });
  }
}

/** Cancels an import of this source, running or waiting; `settle` ends it. Cancelling twice changes nothing. */
export function cancelImport(source: DataSource, importId: string, at: Instant): Settled<DataSource> {
  const mark = (one: BillingImport | null): BillingImport | null =>
    one?.id === importId && one.cancelRequestedAt === null ? { ...one, cancelRequestedAt: at } : one;
  const [running, waiting] = [mark(source.running), mark(source.waiting)];
  if (running === source.running && waiting === source.waiting) return unchanged(source);
  return step(source, { ...source, running, waiting }, 'billing.request-cancel');
}

/** What the export holds is known: these months will be read. */
export function recordPlan(source: DataSource, importId: string, periods: ImportPeriod[]): Settled<DataSource> {
  const running = runningImport(source, importId);
  if (running === null || running.periods !== null) return unchanged(source);
  return step(source, { ...source, running: { ...running, periods } }, 'billing.plan-import');
}

/** One month is done. */
export function recordPeriod(source: DataSource, importId: string, period: ImportPeriod): Settled<DataSource> {
  const running = runningImport(source, importId);
  if (running?.periods === undefined || running.periods === null) return unchanged(source);
  const periods = running.periods.map((one) => (one.billingPeriod === period.billingPeriod ? period : one));
  return step(source, { ...source, running: { ...running, periods } }, 'billing.record-period');
}

/** The running import cannot go on; the previous numbers stay untouched. */
export function failImport(source: DataSource, importId: string, error: ErrorRecord, at: Instant): Settled<DataSource> {
  const running = runningImport(source, importId);
  if (running === null) return unchanged(source);
  return finish(source, 'failed', error, at);
}

function runningImport(source: DataSource, importId: string): BillingImport | null {
  return source.running !== null && source.running.id === importId && isOpen(source.running.state) ? source.running : null;
}

export interface DataSourceEdit {
  name?: string | undefined;
  importIntervalMinutes?: ImportInterval | undefined;
  linkedAccounts?: 'all' | 'connected' | undefined;
  discoveryIntervalMinutes?: number | undefined;
  paused?: boolean | undefined;
}

/** Changes what needs no new check of the cloud. */
export function edit(source: DataSource, changes: DataSourceEdit): Settled<DataSource> {
  refuseDeleted(source);
  const aboutBill = changes.importIntervalMinutes !== undefined || changes.linkedAccounts !== undefined;
  if (aboutBill && source.kind === 'account') throw noBillYet(source);
  const after: DataSource = {
    ...source,
    name: changes.name ?? source.name,
    importIntervalMinutes: changes.importIntervalMinutes ?? source.importIntervalMinutes,
    linkedAccounts: changes.linkedAccounts ?? source.linkedAccounts,
    discovery: { ...source.discovery, intervalMinutes: changes.discoveryIntervalMinutes ?? source.discovery.intervalMinutes },
    state: changes.paused === undefined ? source.state : changes.paused ? 'paused' : 'active',
  };
  if (JSON.stringify(after) === JSON.stringify(source)) return unchanged(source);
  return step(source, after, 'data-sources.edit');
}

/** Puts checked credentials and export settings in place of the old ones. */
export function reconnect(
  source: DataSource,
  checked: Pick<DataSource, 'connection' | 'credentialsKind' | 'export' | 'warnings'> & { accountId: string | null },
): Settled<DataSource> {
  refuseDeleted(source);
  const accountId = isStandIn(source.accountId) ? (checked.accountId ?? source.accountId) : source.accountId;
  if (checked.accountId !== null && checked.accountId !== accountId) {
    throw new DomainError({
      kind: 'conflict',
      code: 'data-sources.other-account',
      message:
        `The new credentials belong to account ${checked.accountId}, this data source to ${source.accountId}. ` +
        `Connect the other account as a data source of its own.`,
      details: { expected: source.accountId, actual: checked.accountId },
    });
  }
  return step(source, { ...source, ...checked, accountId }, 'data-sources.update-credentials');
}

/** A directory whose files name no account stands under an id of its own, until one is known. */
const STAND_IN = 'directory-';

export function standInAccount(digest: string): string {
  return `${STAND_IN}${digest.slice(0, 12)}`;
}

function isStandIn(accountId: string): boolean {
  return accountId.startsWith(STAND_IN);
}

/** Begins deletion: the schedule and the imports stop at once, then the data is purged in steps. */
export function beginDeletion(source: DataSource): Settled<DataSource> {
  if (source.state === 'deleting' || source.state === 'deleted') return unchanged(source);
  return step(source, { ...source, state: 'deleting' }, 'data-sources.delete');
}

export function recordPurged(source: DataSource): Settled<DataSource> {
  if (source.state !== 'deleting') return unchanged(source);
  return step(source, { ...source, state: 'deleted' }, 'data-sources.purged');
}

export function recordScheduleApplied(source: DataSource, schedule: string): Settled<DataSource> {
  if (source.scheduleApplied === schedule) return unchanged(source);
  return step(source, { ...source, scheduleApplied: schedule }, 'data-sources.apply-schedule');
}

/** Whether nobody has asked for these months: used to keep ticks from piling up. */
export function hasOpenImport(source: DataSource): boolean {
  return source.running !== null || source.waiting !== null;
}

/** Months as text for people: newest first. */
export function monthsOf(periods: ImportPeriod[]): Month[] {
  return periods.map((period) => period.billingPeriod.slice(0, 7));
}

/** Reads `wantedSchedule`'s text back; null for none. */
export function wantedScheduleOf(text: string): { everyMinutes: number; paused: boolean } | null {
  const match = /^every (\d+)(, paused)?$/.exec(text);
  return match === null ? null : { everyMinutes: Number(match[1]), paused: match[2] !== undefined };
}
