import { classifyKey, listingPrefixes } from '../../domain/billing/export-layout.ts';
import type { BillDialect, ExportLocation, ExportObject, ExportObjects } from '../../domain/billing/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { discoverLocations } from './billing/discover-periods.ts';

/** What is known of an export before its objects have been looked at. */
export interface ExportHint extends ExportLocation {
  dialect: BillDialect | null;
  /** For messages: `s3://bucket/prefix` or a directory. */
  place: string;
  /** The billing API vouches for the export, so that nothing delivered yet is no error. */
  isKnown: boolean;
}

export interface InspectedExport extends ExportLocation {
  dialect: BillDialect;
  /** The account that the newest legacy manifest names. */
  accountId: string | null;
  /** A file of the bill itself; null when there is none yet. */
  sample: ExportObject | null;
  warnings: string[];
}

/**
 * Lists an export, tells its dialect and name where they are not given, and reads the beginning of
 * one object. @throws DomainError `data-sources.export-not-found`, `data-sources.several-exports`.
 */
export async function inspectExport(objects: ExportObjects, hint: ExportHint, signal: AbortSignal): Promise<InspectedExport> {
  const known = hint.name === null ? await theOneBelow(objects, hint, signal) : hint;
  const seen = await survey(objects, known, signal);
  if (seen.probe !== null) await readBeginning(objects, seen.probe, signal);
  const dialect = known.dialect ?? seen.dialect;
  if (dialect === null) throw notFound(hint);
  const warnings =
    seen.probe === null ? [`Nothing lies below ${hint.place} yet. AWS delivers the first files of a new export within 24 hours.`] : [];
  return {
    prefix: known.prefix,
    name: known.name,
    dialect,
    accountId: seen.manifest === null ? null : await accountOf(objects, seen.manifest),
    sample: seen.sample,
    warnings,
  };
}

/** Without a name, the layout below the prefix tells which export is meant. */
async function theOneBelow(objects: ExportObjects, hint: ExportHint, signal: AbortSignal): Promise<ExportHint> {
  const found = (await discoverLocations(objects, hint.prefix, signal)).filter(
    (one) => hint.dialect === null || one.dialect === hint.dialect,
  );
  const [only, ...others] = found;
  if (only === undefined) return hint;
  if (others.length > 0) throw severalExports(hint.place, found);
  return { ...hint, prefix: only.prefix, name: only.name, dialect: only.dialect };
}

interface Survey {
  /** The object to try a read on. */
  probe: ExportObject | null;
  dialect: BillDialect | null;
  /** The newest legacy manifest. */
  manifest: ExportObject | null;
  /** The newest file of the bill that is not empty. */
  sample: ExportObject | null;
}

async function survey(objects: ExportObjects, location: ExportLocation, signal: AbortSignal): Promise<Survey> {
  const seen: Survey = { probe: null, dialect: null, manifest: null, sample: null };
  for (const prefix of listingPrefixes(location)) {
    for await (const object of objects.list(prefix)) {
      signal.throwIfAborted();
      const found = classifyKey(object.key);
      if (found.kind === 'data' || found.kind === 'manifest') {
        seen.dialect ??= found.layout === 'data-export' ? 'cur2' : 'cur';
        if (found.kind === 'data' && object.sizeBytes > 0) seen.sample = object;
        if (found.kind === 'manifest' && found.layout !== 'data-export') seen.manifest = object;
      }
      // An empty object cannot prove that reading is allowed.
      if (found.kind !== 'ignored' && object.sizeBytes > 0) seen.probe ??= object;
    }
  }
  return seen;
}

async function readBeginning(objects: ExportObjects, object: ExportObject, signal: AbortSignal): Promise<void> {
  const body = await objects.open(object.key, null, signal);
  const chunks = body[Symbol.asyncIterator]();
  await chunks.next();
  await chunks.return?.();
  body.destroy();
}

async function accountOf(objects: ExportObjects, manifest: ExportObject): Promise<string | null> {
  const { bytes } = await objects.readAll(manifest.key, 16 * 1024 * 1024);
  const account = /"account"\s*:\s*"(\d{12})"/.exec(bytes.toString('utf8'));
  return account?.[1] ?? null;
}

function notFound(hint: ExportHint): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'data-sources.export-not-found',
    message:
      `Nothing below ${hint.place} looks like a cost and usage report: AWS puts a month's files (.csv, .csv.gz, .csv.zip, .parquet) ` +
      `into a folder such as 20261001-20261101 or BILLING_PERIOD=2026-10. Check the place; for an export that has not delivered yet, ` +
      `say whether it is cur or cur2.`,
    details: { place: hint.place },
  });
}

/** Which one is meant is the person's choice: `details.exports` lists them. */
export function severalExports(place: string, exports: object[]): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'data-sources.several-exports',
    message: `${exports.length} exports match in ${place}. Choose one by name, bucket or dialect; details.exports lists them.`,
    details: { exports },
  });
}
