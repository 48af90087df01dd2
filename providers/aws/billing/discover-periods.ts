import type {
  BillDialect,
  DiscoveredPeriod,
  ExportLocation,
  ExportObject,
  ExportObjects,
} from '../../../domain/billing/ports.ts';
import { isFocusManifest, parseDataExportManifest } from '../../../domain/billing/manifests.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import { listExports } from './export-listing.ts';
import type { ExportListing, PeriodGroup } from './export-listing.ts';
import { firstRecordOf } from './first-record.ts';
import { describePeriod, MANIFEST_LIMIT_BYTES, periodManifest } from './period-manifest.ts';

/** The status table of an Athena report is a few hundred bytes. */
const STATUS_LIMIT_BYTES = 1_000_000;

/** An export found below a prefix. */
export interface FoundExport {
  prefix: string;
  name: string | null;
  dialect: BillDialect;
}

/** When a period is delivered in two layouts, the earlier of these is read and the other is not. */
const LAYOUT_ORDER = ['data-export', 'report-parquet', 'report-csv'] as const;

/**
 * Finds the exports below a prefix, for a bucket or directory of which nothing else is known. Files
 * that lie there in no export's folder, and nothing else, are one without a name.
 * FOCUS exports are left out, as they are no cost and usage reports.
 */
export async function discoverLocations(
  objects: ExportObjects,
  rootPrefix: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<FoundExport[]> {
  const listing = await listExports(objects, { prefix: rootPrefix, name: null });
  const found: FoundExport[] = [];
  for (const { location, groups } of listing.exports) {
    if (await isFocus(objects, groups)) continue;
    const dialect = groups.some((group) => group.layout === 'data-export') ? 'cur2' : 'cur';
    found.push({ prefix: location.prefix, name: location.name, dialect });
  }
  const [loose] = listing.loose;
  if (listing.exports.length > 0 || loose === undefined) return found;
  const { dialect } = await firstRecordOf(objects, loose, signal);
  return [{ prefix: rootPrefix, name: null, dialect }];
}

/**
 * What an export holds, newest period first. Its manifests decide what is read; without one the
 * month comes from the path and completeness is unproven. A period that cannot be read carries a
 * `problem`, and the others stay readable. With no name given, the one export below the prefix is
 * taken, or files that lie there in no export's folder.
 * @throws DomainError `billing.export-updating` while AWS rewrites the files, `billing.several-exports`
 *   when the location does not tell which one, `billing.unsupported-export` for FOCUS,
 *   `billing.period-unknown` for a loose file whose month cannot be told
 */
export async function discoverPeriods(
  objects: ExportObjects,
  location: ExportLocation,
  signal: AbortSignal = new AbortController().signal,
): Promise<DiscoveredPeriod[]> {
  const listing = await listExports(objects, location);
  const exports = listing.exports.filter((entry) => location.name === null || entry.location.name === location.name);
  const reports: ExportListing['exports'] = [];
  for (const entry of exports) if (!(await isFocus(objects, entry.groups))) reports.push(entry);
  const [only, ...others] = reports;
  if (only === undefined && exports.length > 0) throw unsupported(exports.map((entry) => pathOf(entry.location)));
  if (only === undefined) return location.name === null ? await loosePeriods(objects, listing.loose, signal) : [];
  if (others.length > 0) throw severalExports(reports.map((entry) => pathOf(entry.location)));
  const chosen = chooseLayouts(only.groups);
  if (chosen.some((choice) => choice.group.layout === 'report-parquet')) await refuseUpdating(objects, only.status);
  const periods: DiscoveredPeriod[] = [];
  for (const { group, dropped } of chosen) {
    const period = await describePeriod(objects, group, listing.keys);
    if (dropped) period.warnings.push('The period is also delivered in an older format, which is not read.');
    if (listing.loose.length > 0) period.warnings.push(`${listing.loose.length} file(s) lie outside any billing period's folder and are not read.`);
    periods.push(period);
  }
  return newestFirst(periods);
}

function newestFirst(periods: DiscoveredPeriod[]): DiscoveredPeriod[] {
  return periods.toSorted((a, b) => (a.billingPeriod < b.billingPeriod ? 1 : -1));
}

function chooseLayouts(groups: PeriodGroup[]): { group: PeriodGroup; dropped: boolean }[] {
  const byPeriod = Map.groupBy(groups, (group) => group.period);
  return [...byPeriod.values()].flatMap((same) => {
    const group = LAYOUT_ORDER.map((layout) => same.find((candidate) => candidate.layout === layout)).find(Boolean);
    return group === undefined ? [] : [{ group, dropped: same.length > 1 }];
  });
}

async function isFocus(objects: ExportObjects, groups: PeriodGroup[]): Promise<boolean> {
  for (const group of groups.filter((candidate) => candidate.layout === 'data-export')) {
    const manifest = periodManifest(group);
    if (manifest === null) continue;
    const { bytes } = await objects.readAll(manifest.object.key, MANIFEST_LIMIT_BYTES);
    return /billed_?cost/i.test(bytes.toString('utf8')) && isFocusManifest(parseDataExportManifest(bytes.toString('utf8'), manifest.object.key));
  }
  return false;
}

/**
 * The status table has one text column with one value. Its bytes hold that value verbatim, in the
 * column's statistics if nowhere else, so no Parquet reader is needed to see it.
 */
async function refuseUpdating(objects: ExportObjects, status: ExportObject[]): Promise<void> {
  for (const object of status) {
    const { bytes } = await objects.readAll(object.key, STATUS_LIMIT_BYTES);
    if (bytes.includes('UPDATING')) {
      throw new DomainError({
        kind: 'unavailable',
        code: 'billing.export-updating',
        message: `AWS is rewriting the export's files (${object.key} says UPDATING). The import tries again.`,
        details: { file: object.key },
        retryAfterSeconds: 300,
      });
    }
  }
}

async function loosePeriods(objects: ExportObjects, loose: ExportObject[], signal: AbortSignal): Promise<DiscoveredPeriod[]> {
  const periods = new Map<string, DiscoveredPeriod>();
  for (const object of loose) {
    const { period, dialect } = await firstRecordOf(objects, object, signal);
    const known = periods.get(period) ?? {
      billingPeriod: period,
      dialect,
      completeness: 'unproven' as const,
      manifest: null,
      objects: [],
      warnings: ['There is no manifest: a missing file would not be noticed.'],
    };
    known.objects.push({ key: object.key, sizeBytes: object.sizeBytes, etag: object.etag });
    periods.set(period, known);
  }
  return newestFirst([...periods.values()]);
}

function pathOf({ prefix, name }: ExportLocation): string {
  return [prefix, name].filter((part) => part !== null && part !== '').join('/') || '(root)';
}

function severalExports(paths: string[]): DomainError {
  return new DomainError({
    kind: 'precondition',
    code: 'billing.several-exports',
    message: `There are several exports: ${paths.join(', ')}. Name the one to import by its prefix and name.`,
    details: { exports: paths },
  });
}

function unsupported(paths: string[]): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'billing.unsupported-export',
    message: `${paths.join(', ')} is a FOCUS export. Name a legacy Cost and Usage Report or a CUR 2.0 export.`,
    details: { exports: paths },
  });
}
