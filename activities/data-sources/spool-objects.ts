import { getPeriod, type BillObject } from '../../db/billing/billing-period-store.ts';
import { noteRawObject } from '../../db/billing/raw-object-store.ts';
import { formatOfKey } from '../../domain/billing/export-layout.ts';
import type { DiscoveredPeriod, ExportObjects } from '../../domain/billing/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';

/** What an attempt leaves for the next one: objects whose bytes are in the raw store already. */
export interface SpoolCheckpoint {
  stored: { key: string; etag: string; sha256: string; sizeBytes: number }[];
}

export interface SpoolRequest {
  ref: EntityRef;
  objects: ExportObjects;
  period: DiscoveredPeriod;
  checkpoint: SpoolCheckpoint | null;
  signal: AbortSignal;
  save(checkpoint: SpoolCheckpoint): void;
  onStored(bytes: number): void;
}

/**
 * Brings the bytes of a period's objects into the raw store, verbatim, and gives them one by one in
 * manifest order. An object that the current generation or an earlier attempt has stored under the
 * same key and etag is not downloaded again.
 */
export async function* spoolObjects(deps: DataSourceActivityDependencies, request: SpoolRequest): AsyncGenerator<BillObject, void> {
  const { ref, period, signal } = request;
  const current = await getPeriod(deps.db, ref.organizationId, ref.id, period.billingPeriod);
  const known = [...(current?.objects ?? []), ...(request.checkpoint?.stored ?? [])];
  const stored: SpoolCheckpoint['stored'] = [];
  for (const object of period.objects) {
    const format = formatOfKey(object.key);
    if (format === null) throw unknownFormat(object.key);
    const same = known.find((one) => one.key === object.key && one.etag === object.etag);
    const bytes =
      same !== undefined && (await deps.rawStore.has(ref.organizationId, same.sha256))
        ? { sha256: same.sha256, sizeBytes: same.sizeBytes }
        : await deps.rawStore.put(ref.organizationId, await request.objects.open(object.key, object.etag, signal), signal);
    // Before anything names it: whatever becomes of this attempt, deleting the data source removes it.
    await noteRawObject(deps.db, ref.organizationId, ref.id, bytes.sha256, deps.clock.now());
    stored.push({ key: object.key, etag: object.etag, ...bytes });
    request.save({ stored });
    request.onStored(bytes.sizeBytes);
    yield { key: object.key, etag: object.etag, ...bytes, format };
  }
}

/** Refuses when the manifest moved while its files were being read: then old and new files may have been mixed. */
export async function refuseMovedManifest(objects: ExportObjects, period: DiscoveredPeriod): Promise<void> {
  if (period.manifest === null) return;
  const now = await objects.head(period.manifest.key);
  if (now.etag === period.manifest.etag) return;
  throw new DomainError({
    kind: 'unavailable',
    code: 'billing.manifest-moved',
    message: `AWS delivered a newer version of ${period.manifest.key} while the files were being read. The import starts over.`,
    details: { file: period.manifest.key },
  });
}

function unknownFormat(key: string): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'billing.unknown-format',
    message: `${key}: its name says neither .csv, .csv.gz, .csv.zip nor .parquet; other forms of a bill are not read.`,
    details: { file: key },
  });
}
