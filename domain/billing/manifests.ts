import { DomainError } from '../shared/errors.ts';
import type { CalendarDate } from '../shared/time.ts';
import { periodOfStamp } from './billing-period.ts';

/** What a manifest says of its period. */
export interface ExportManifest {
  /** Data files in order, as keys without scheme and bucket. */
  fileKeys: string[];
  /** assemblyId or execution id; empty when the manifest has none. */
  version: string;
  /** reportId or export ARN. */
  exportIdentity: string | null;
  billingPeriod: CalendarDate | null;
  /** Column names, `category/name` in a legacy manifest. */
  columns: string[];
}

/**
 * Reads a legacy Cost and Usage Report manifest (`assemblyId`, `reportKeys`, `billingPeriod`).
 * Lenient beyond these: `additionalArtifactKeys` and `columns` may be missing.
 * @throws DomainError `billing.manifest-invalid` naming the manifest
 */
export function parseReportManifest(text: string, key: string): ExportManifest {
  const manifest = parseObject(text, key);
  const billingPeriod = asObject(manifest['billingPeriod']);
  return {
    fileKeys: stringList(manifest['reportKeys'], 'reportKeys', key),
    version: asText(manifest['assemblyId']),
    exportIdentity: asText(manifest['reportId']) || null,
    billingPeriod: periodOfStamp(asText(billingPeriod['start'])),
    columns: columnNames(manifest['columns']),
  };
}

/**
 * Reads a Data Exports manifest. Only `dataFiles` is certain (`s3://bucket/key` or bare keys, as
 * text or as objects with a path); the rest is read where present.
 * @throws DomainError `billing.manifest-invalid` naming the manifest
 */
export function parseDataExportManifest(text: string, key: string): ExportManifest {
  const manifest = parseObject(text, key);
  const files = manifest['dataFiles'] ?? manifest['DataFiles'] ?? manifest['files'];
  return {
    fileKeys: stringList(files, 'dataFiles', key).map(withoutBucket),
    version: asText(manifest['executionId'] ?? manifest['ExecutionId']),
    exportIdentity: asText(manifest['exportArn'] ?? manifest['ExportArn']) || null,
    billingPeriod: null,
    columns: columnNames(manifest['columns']),
  };
}

/** FOCUS exports carry these instead of the columns of a cost and usage report. */
export function isFocusManifest(manifest: ExportManifest): boolean {
  const names = new Set(manifest.columns.map((name) => name.toLowerCase().replaceAll('_', '')));
  return names.has('billedcost') && names.has('chargeperiodstart');
}

function parseObject(text: string, key: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (cause) {
    throw manifestInvalid(key, 'is not JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw manifestInvalid(key, 'is not a JSON object');
  return parsed as Record<string, unknown>;
}

export function manifestInvalid(key: string, what: string, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'billing.manifest-invalid',
    message: `The manifest ${key} ${what}. Have AWS deliver the period again, or restore the manifest.`,
    details: { file: key },
    cause,
  });
}

function stringList(value: unknown, field: string, key: string): string[] {
  if (!Array.isArray(value) || value.length === 0) throw manifestInvalid(key, `has no ${field}`);
  return value.map((entry: unknown) => {
    const text = typeof entry === 'string' ? entry : pathOf(asObject(entry));
    if (text === '') throw manifestInvalid(key, `has an entry in ${field} that names no file`);
    return text;
  });
}

function pathOf(entry: Record<string, unknown>): string {
  return asText(entry['path'] ?? entry['key'] ?? entry['filePath'] ?? entry['s3Path']);
}

function withoutBucket(path: string): string {
  return /^s3a?:\/\//.test(path) ? path.replace(/^s3a?:\/\/[^/]+\//, '') : path;
}

function columnNames(columns: unknown): string[] {
  if (!Array.isArray(columns)) return [];
  return columns.map((column: unknown) => {
    if (typeof column === 'string') return column;
    const { category, name } = asObject(column);
    return asText(category) === '' ? asText(name) : `${asText(category)}/${asText(name)}`;
  });
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
