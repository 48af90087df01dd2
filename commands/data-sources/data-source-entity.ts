import { insertDataSource, lockDataSource, saveDataSource } from '../../db/data-sources/data-source-store.ts';
import type { BillingImport } from '../../domain/billing/billing-import.ts';
import { settle, wantedSchedule, wantedScheduleOf, type DataSource } from '../../domain/data-sources/data-source.ts';
import { discovers, wantedDiscoverySchedule } from '../../domain/data-sources/discovery.ts';
import { DATA_SOURCE, type DataSourceAct } from '../../workflows/data-sources/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';
import { followDiscoveries, followImports } from './follow-operations.ts';

/** The data source as an entity: see domain/data-sources/data-source.ts for its rules. */
export const dataSourceEntity: EntityDefinition<DataSource, DataSourceAct> = {
  kind: DATA_SOURCE,
  workflowType: 'dataSource',
  table: 'data_sources',
  openCondition: `state = 'deleting' or discovery_current is not null or exists (select from billing_imports i
    where i.data_source_id = data_sources.id and i.state in ('scheduled', 'running'))`,
  lock: lockDataSource,
  async insert(tx, source) {
    await insertDataSource(tx, source);
  },
  async save(tx, before, after) {
    // An import refers to its operation, so that comes first.
    await followImports(tx, before, after);
    await followDiscoveries(tx, before, after);
    await saveDataSource(tx, before, after);
  },
  settle,
  acts,
  isDone: (source) => source.state === 'deleted' || (!hasOpenWork(source) && source.state !== 'deleting'),
  describe,
  status: (source) => (isFailing(source) && source.state === 'active' ? 'failing' : source.state),
  forLedger: ({ ended, discovery: { ended: discovered, ...discovery }, ...rest }) => ({
    ...rest,
    discovery: discovered.length === 0 ? discovery : { ...discovery, ended: discovered },
    ...(ended.length > 0 && { ended }),
  }),
};

function hasOpenWork({ running, waiting, discovery }: DataSource): boolean {
  return running !== null || waiting !== null || discovery.current !== null;
}

function isFailing({ lastError, discovery }: DataSource): boolean {
  return lastError !== null || discovery.lastError !== null;
}

/** One is performed at a time, and the row is asked again after it: so a discovery comes before the next month of an import. */
function acts(source: DataSource): DataSourceAct[] {
  const all: DataSourceAct[] = scheduleActs(source);
  if (source.state === 'deleting') {
    all.push({ name: 'purge', key: `${source.id}/purge`, summary: 'delete costs, instances, raw objects and credentials' });
  }
  const { current } = source.discovery;
  if (current !== null) {
    all.push({ name: 'discover', key: `${current.id}/discover`, summary: 'list the instances of the account', discoveryId: current.id });
  }
  if (source.running !== null) all.push(...importActs(source.running));
  return all;
}

function scheduleActs(source: DataSource): DataSourceAct[] {
  const ticks = [
    { tick: 'import-data-source', verb: 'imports', wanted: wantedSchedule(source), applied: source.scheduleApplied },
    { tick: 'discover-data-source', verb: 'discoveries', wanted: wantedDiscoverySchedule(source), applied: source.discovery.scheduleApplied },
  ] as const;
  return ticks
    .filter(({ wanted, applied }) => wanted !== applied)
    .map(({ tick, verb, wanted }) => ({
      name: 'apply-schedule',
      key: `${source.id}/apply-schedule/${tick}/${source.version}`,
      summary: `schedule: ${inWords(wanted, verb)}`,
      tick,
      schedule: wanted,
    }));
}

function importActs(running: BillingImport): DataSourceAct[] {
  const { id, periods } = running;
  if (periods === null) {
    return [{ name: 'plan-import', key: `${id}/plan`, summary: 'look at the export, choose months', importId: id }];
  }
  return periods
    .filter((period) => period.state === 'pending')
    .map(({ billingPeriod, files, bytes }) => ({
      name: 'import-period',
      key: `${id}/period/${billingPeriod}`,
      summary: `${billingPeriod.slice(0, 7)}: ${files} ${files === 1 ? 'file' : 'files'}, ${(bytes / 1e6).toFixed(1)} MB`,
      importId: id,
      billingPeriod,
    }));
}

/** A schedule as `wantedSchedule` writes it, for people. */
function inWords(schedule: string, verb: 'imports' | 'discoveries'): string {
  const wanted = wantedScheduleOf(schedule);
  if (wanted === null) return `no ${verb} of its own`;
  return `${verb} every ${wanted.everyMinutes} minutes${wanted.paused ? ', paused' : ''}`;
}

function describe(source: DataSource): string {
  const lines = [`**${source.name}** (account ${source.accountId}): ${source.state}, ${inWords(wantedSchedule(source), 'imports')}`];
  if (discovers(source)) lines.push(...describeDiscovery(source));
  if (source.running !== null) {
    const months = source.running.periods?.map((period) => `${period.billingPeriod.slice(0, 7)} ${period.state}`);
    lines.push(`Import ${source.running.id}: ${months?.join(', ') ?? 'looking at the export'}`);
  }
  if (source.waiting !== null) lines.push(`Waiting: import ${source.waiting.id}`);
  if (source.lastSuccessAt !== null) lines.push(`Last successful import: ${source.lastSuccessAt}`);
  if (source.lastError !== null) lines.push(`Last error: ${source.lastError.code}: ${source.lastError.message}`);
  return lines.join('\n\n');
}

function describeDiscovery(source: DataSource): string[] {
  const { current, lastSuccessAt, lastError } = source.discovery;
  const lines = [inWords(wantedDiscoverySchedule(source), 'discoveries')];
  if (current !== null) lines.push(`Discovery ${current.id}: ${current.startedAt === null ? 'waits for its turn' : `began at ${current.startedAt}`}`);
  if (lastSuccessAt !== null) lines.push(`Last complete discovery: ${lastSuccessAt}`);
  if (lastError !== null) lines.push(`Last error of a discovery: ${lastError.code}: ${lastError.message}`);
  return lines;
}
