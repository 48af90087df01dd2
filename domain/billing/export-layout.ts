import type { CalendarDate } from '../shared/time.ts';
import { periodOfSegment } from './billing-period.ts';
import type { ExportLocation, FileFormat } from './ports.ts';

/**
 * How AWS lays out an export. `report-csv`: legacy, a folder per period, with or without assembly
 * folders. `report-parquet`: legacy for Athena, `year=/month=`. `data-export`: `data/` and
 * `metadata/` with a `BILLING_PERIOD=` partition.
 */
export type ExportLayout = 'report-csv' | 'report-parquet' | 'data-export';

/** What one key of a listing is. */
export type KeyClass =
  | { kind: 'data' | 'manifest'; layout: ExportLayout; root: string; period: CalendarDate; version: string; tail: string }
  | { kind: 'status'; root: string }
  | { kind: 'loose' }
  | { kind: 'ignored' };

/** The object AWS writes to prove that it may write. */
const TEST_OBJECT = 'aws-programmatic-access-test-object';
const STATUS_FOLDER = 'cost_and_usage_data_status';

/** The format of a data file by its name, or null for anything else. */
export function formatOfKey(key: string): FileFormat | null {
  const lower = key.toLowerCase();
  if (lower.endsWith('.csv.gz')) return 'csv.gz';
  if (lower.endsWith('.csv.zip') || lower.endsWith('.zip')) return 'csv.zip';
  if (lower.endsWith('.csv')) return 'csv';
  return lower.endsWith('.parquet') ? 'parquet' : null;
}

/** Tells what a key is, from its folders. Keys are never cleaned: `//` and a leading `/` stay. */
export function classifyKey(key: string): KeyClass {
  const segments = key.split('/');
  const file = segments.at(-1) ?? '';
  if (file === '' || file === TEST_OBJECT) return { kind: 'ignored' };
  for (const [index, segment] of segments.slice(0, -1).entries()) {
    const found = classifyAt(segments, index, segment);
    if (found !== null) return found;
  }
  return formatOfKey(key) === null ? { kind: 'ignored' } : { kind: 'loose' };
}

function classifyAt(segments: string[], index: number, segment: string): KeyClass | null {
  const rootOf = (end: number): string => segments.slice(0, end).join('/');
  const next = segments[index + 1] ?? '';
  if (segment === STATUS_FOLDER) {
    return formatOfKey(segments.at(-1) ?? '') === 'parquet' ? { kind: 'status', root: rootOf(index) } : { kind: 'ignored' };
  }
  if (/^year=/i.test(segment)) {
    const period = periodOfSegment(`${segment}/${next}`);
    return period === null ? null : placed('report-parquet', rootOf(index), period, segments.slice(index + 2));
  }
  const period = periodOfSegment(segment);
  if (period === null) return null;
  if (!segment.includes('=')) return placed('report-csv', rootOf(index), period, segments.slice(index + 1));
  const area = segments[index - 1];
  const isInArea = area === 'data' || area === 'metadata';
  return placed('data-export', rootOf(isInArea ? index - 1 : index), period, segments.slice(index + 1));
}

function placed(layout: ExportLayout, root: string, period: CalendarDate, rest: string[]): KeyClass {
  const tail = rest.join('/');
  const version = rest.slice(0, -1).join('/');
  if (/(^|-)manifest\.json$/i.test(rest.at(-1) ?? '') && !/RedshiftManifest\.json$/i.test(tail)) {
    return { kind: 'manifest', layout, root, period, version, tail };
  }
  return formatOfKey(tail) === null ? { kind: 'ignored' } : { kind: 'data', layout, root, period, version, tail };
}

/** The export that a root folder belongs to; the prefix is verbatim. An export's Athena files lie in its name twice. */
export function locationOfRoot(root: string, layout: ExportLayout): ExportLocation {
  const segments = root.split('/');
  if (layout === 'report-parquet' && segments.length > 1 && segments.at(-1) === segments.at(-2)) segments.pop();
  const name = segments.pop() ?? '';
  return { prefix: segments.join('/'), name: name === '' ? null : name };
}

/** The listings that may hold an export: AWS writes `<prefix>/<name>/`, and people write a prefix with and without `/`. */
export function listingPrefixes(location: ExportLocation): string[] {
  const { prefix, name } = location;
  if (name === null) return [prefix];
  return prefix === '' || prefix.endsWith('/') ? [`${prefix}${name}/`, `${prefix}/${name}/`] : [`${prefix}/${name}/`];
}

/** Whether a key lies below a prefix as a folder: `cur` does not hold `curious/x`. */
export function isBelow(key: string, prefix: string): boolean {
  return prefix === '' || key === prefix || key.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}
