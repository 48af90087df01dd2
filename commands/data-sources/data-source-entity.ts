import { insertDataSource, lockDataSource, saveDataSource } from '../../db/data-sources/data-source-store.ts';
import type { BillingImport } from '../../domain/billing/billing-import.ts';
import { settle, wantedSchedule, wantedScheduleOf, type DataSource } from '../../domain/data-sources/data-source.ts';
import { DATA_SOURCE, type DataSourceAct } from '../../workflows/data-sources/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';
import { followImports } from './follow-imports.ts';

/** The data source as an entity: see domain/data-sources/data-source.ts for its rules. */
export const dataSourceEntity: EntityDefinition<DataSource, DataSourceAct> = {
  kind: DATA_SOURCE,
  workflowType: 'dataSource',
  table: 'data_sources',
  openCondition: `state = 'deleting' or exists (select from billing_imports i
    where i.data_source_id = data_sources.id and i.state in ('scheduled', 'running'))`,
  lock: lockDataSource,
  async insert(tx, source) {
    await insertDataSource(tx, source);
  },
  async save(tx, before, after) {
    // An import refers to its operation, so that comes first.
    await followImports(tx, before, after);
    await saveDataSource(tx, before, after);
  },
  settle,
  acts,
  isDone: (source) => source.state === 'deleted' || (source.running === null && source.waiting === null && source.state !== 'deleting'),
  describe,
  status: (source) => (source.lastError !== null && source.state === 'active' ? 'failing' : source.state),
  forLedger: ({ ended, ...rest }) => (ended.length === 0 ? rest : { ...rest, ended }),
};

function acts(source: DataSource): DataSourceAct[] {
  const wanted = wantedSchedule(source);
  const all: DataSourceAct[] = [];
  if (wanted !== source.scheduleApplied) {
    all.push({
      name: 'apply-schedule',
      key: `${source.id}/apply-schedule/${source.version}`,
      summary: `schedule: ${inWords(wanted)}`,
      schedule: wanted,
    });
  }
  if (source.state === 'deleting') all.push({ name: 'purge', key: `${source.id}/purge`, summary: 'delete costs, raw objects and credentials' });
  if (source.running !== null) all.push(...importActs(source.running));
  return all;
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
function inWords(schedule: string): string {
  const wanted = wantedScheduleOf(schedule);
  if (wanted === null) return 'no imports of its own';
  return `imports every ${wanted.everyMinutes} minutes${wanted.paused ? ', paused' : ''}`;
}

function describe(source: DataSource): string {
  const lines = [`**${source.name}** (account ${source.accountId}): ${source.state}, ${inWords(wantedSchedule(source))}`];
  if (source.running !== null) {
    const months = source.running.periods?.map((period) => `${period.billingPeriod.slice(0, 7)} ${period.state}`);
    lines.push(`Import ${source.running.id}: ${months?.join(', ') ?? 'looking at the export'}`);
  }
  if (source.waiting !== null) lines.push(`Waiting: import ${source.waiting.id}`);
  if (source.lastSuccessAt !== null) lines.push(`Last successful import: ${source.lastSuccessAt}`);
  if (source.lastError !== null) lines.push(`Last error: ${source.lastError.code}: ${source.lastError.message}`);
  return lines.join('\n\n');
}
