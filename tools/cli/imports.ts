import type { BillingImport, DataSource } from './api-client.ts';
import { formatTable } from './table.ts';

/** One line an import, and below the table the reasons of those that failed. */
export function describeImports(imports: BillingImport[], sources: DataSource[]): string {
  if (imports.length === 0) return 'No imports yet. Begin with: orrery import /path/to/folder';
  const names = new Map(sources.map(({ id, name }) => [id, name]));
  const rows = imports.map((one) => [
    one.id,
    names.get(one.data_source_id) ?? one.data_source_id,
    one.state,
    one.months.map(({ month }) => month).join(' '),
    minute(one.started_at),
    minute(one.finished_at),
  ]);
  const titles = ['import', 'data source', 'state', 'months', 'started (UTC)', 'finished (UTC)'];
  const reasons = imports.flatMap(({ id, error }) => (error === null ? [] : [`${id}: ${error.message} (${error.code})`]));
  return [formatTable(titles.map((title) => ({ title, align: 'left' })), rows), ...reasons].join('\n');
}

function minute(instant: string | null): string {
  return instant === null ? '' : instant.slice(0, 16).replace('T', ' ');
}
