import { manifestInvalid, parseDataExportManifest, parseReportManifest } from '../../../domain/billing/manifests.ts';
import type { ExportManifest } from '../../../domain/billing/manifests.ts';
import { formatOfKey } from '../../../domain/billing/export-layout.ts';
import type { DiscoveredManifest, DiscoveredPeriod, ExportObject, ExportObjects } from '../../../domain/billing/ports.ts';
import { DomainError, toErrorRecord } from '../../../domain/shared/errors.ts';
import type { PeriodGroup, PlacedObject } from './export-listing.ts';

/** Manifests list columns and files: some kilobytes. */
export const MANIFEST_LIMIT_BYTES = 20_000_000;

type ReadablePeriod = Pick<DiscoveredPeriod, 'completeness' | 'manifest' | 'objects' | 'warnings'>;

/** The manifest that AWS rewrites at every delivery: the one in the period's folder, never one in an assembly's. */
export function periodManifest(group: PeriodGroup): PlacedObject | null {
  return group.manifests.find((candidate) => candidate.version === '') ?? null;
}

/** Describes one period; what makes it unreadable becomes its `problem`. */
export async function describePeriod(
  objects: ExportObjects,
  group: PeriodGroup,
  keys: ReadonlyMap<string, ExportObject>,
): Promise<DiscoveredPeriod> {
  const base = { billingPeriod: group.period, dialect: group.layout === 'data-export' ? ('cur2' as const) : ('cur' as const) };
  const placed = periodManifest(group);
  try {
    return { ...base, ...(placed === null ? withoutManifest(group) : await byManifest(objects, group, placed, keys)) };
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
    const found = group.data.map(({ object }) => briefly(object));
    return { ...base, completeness: 'unproven', manifest: null, objects: found, warnings: [], problem: toErrorRecord(error) };
  }
}

async function byManifest(
  objects: ExportObjects,
  group: PeriodGroup,
  placed: PlacedObject,
  keys: ReadonlyMap<string, ExportObject>,
): Promise<ReadablePeriod> {
  const key = placed.object.key;
  const { bytes, etag } = await objects.readAll(key, MANIFEST_LIMIT_BYTES);
  const text = bytes.toString('utf8');
  const parsed = group.layout === 'data-export' ? parseDataExportManifest(text, key) : parseReportManifest(text, key);
  if (parsed.billingPeriod !== null && parsed.billingPeriod !== group.period) {
    throw manifestInvalid(key, `is of the billing period ${parsed.billingPeriod}, but lies in the folder of ${group.period}`);
  }
  const files = parsed.fileKeys.map((fileKey) => resolve(fileKey, group, key, keys));
  const manifest: DiscoveredManifest = { key, etag, version: versionOf(parsed, files), exportIdentity: parsed.exportIdentity, text };
  return { completeness: 'manifest', manifest, objects: files.map(briefly), warnings: [] };
}

/** The object that a manifest names: by its key, or, in a copy under another prefix, by its path below the export's root. */
function resolve(fileKey: string, group: PeriodGroup, manifestKey: string, keys: ReadonlyMap<string, ExportObject>): ExportObject {
  if (formatOfKey(fileKey) === null) throw manifestInvalid(manifestKey, `names ${fileKey}, which is neither CSV nor Parquet`);
  const exact = keys.get(fileKey);
  if (exact !== undefined) return exact;
  const copied = group.data.find(({ object, root }) => {
    const belowRoot = root === '' ? `/${object.key}` : object.key.slice(root.length);
    return `/${fileKey}`.endsWith(belowRoot);
  });
  if (copied === undefined) {
    throw new DomainError({
      kind: 'precondition',
      code: 'billing.manifest-object-missing',
      message: `The manifest ${manifestKey} names ${fileKey}, which is not there. Wait for AWS to finish its delivery, or restore the file.`,
      details: { manifest: manifestKey, file: fileKey },
    });
  }
  return copied.object;
}

function versionOf(parsed: ExportManifest, files: ExportObject[]): string {
  if (parsed.version !== '') return parsed.version;
  const folder = files[0]?.key.split('/').at(-2) ?? '';
  return /^\d{4}-\d{2}-\d{2}T/.test(folder) ? folder : '';
}

function withoutManifest(group: PeriodGroup): ReadablePeriod {
  const versions = new Set(group.data.map((placed) => placed.version));
  if (versions.size > 1) {
    throw new DomainError({
      kind: 'precondition',
      code: 'billing.ambiguous-version',
      message:
        `The period ${group.period} below ${group.root} holds several deliveries (${[...versions].join(', ')}) and no ` +
        'manifest that tells which one counts. Restore the manifest in the folder of the period.',
      details: { versions: [...versions] },
    });
  }
  return {
    completeness: 'unproven',
    manifest: null,
    objects: group.data.map(({ object }) => briefly(object)),
    warnings: ['There is no manifest: the month is taken from the path, and a missing file would not be noticed.'],
  };
}

function briefly({ key, sizeBytes, etag }: ExportObject): Pick<ExportObject, 'key' | 'sizeBytes' | 'etag'> {
  return { key, sizeBytes, etag };
}
