import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { getPeriod, type BillingPeriod } from '../../db/billing/billing-period-store.ts';
import { getResource } from '../../db/resources/resource-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import type {
  LineItemPosition,
  LineItemReader,
  LocalFile,
  PeriodFile,
  PeriodReader,
  RawStore,
} from '../../domain/billing/ports.ts';
import type { Resource } from '../../domain/resources/resource.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';

type Request = Parameters<LineItemReader['read']>[0];
type Page = Awaited<ReturnType<LineItemReader['read']>>;

export interface LineItemReaderParts {
  db: Database;
  rawStore: RawStore;
  periodReader: PeriodReader;
  /** For temporary files; made when missing. */
  scratchDirectory: string;
}

/** Reads line items from the stored bytes of the current generation; nothing of them is kept in the database. */
export function createLineItemReader(parts: LineItemReaderParts): LineItemReader {
  return { read: (request) => readPage(parts, request) };
}

async function readPage(parts: LineItemReaderParts, request: Request): Promise<Page> {
  const { organizationId, resourceId, billingPeriod, position, limit } = request;
  const resource = await getResource(parts.db, organizationId, resourceId);
  if (resource === null) throw notFound('resource', resourceId);
  const dataSourceIds = resource.bills.filter((bill) => bill.billingPeriod === billingPeriod).map((bill) => bill.dataSourceId);
  const dataSourceId = position?.dataSourceId ?? dataSourceIds[0];
  if (dataSourceId === undefined) return { items: [], next: null };
  const bill = await getPeriod(parts.db, organizationId, dataSourceId, billingPeriod);
  if (bill === null || (position !== null && position.generationId !== bill.generationId)) throw replaced(billingPeriod);
  const offset = position?.offset ?? 0;
  // One more than shown tells whether there is more.
  const found = await readBill(parts, resource, bill, { offset, limit: limit + 1, signal: request.signal });
  const items = found.slice(0, limit).map((item) => ({ ...item, dataSourceId }));
  if (found.length > limit) return { items, next: { dataSourceId, generationId: bill.generationId, offset: offset + limit } };
  return { items, next: await startOfNext(parts, request, dataSourceIds[dataSourceIds.indexOf(dataSourceId) + 1]) };
}

async function startOfNext(
  { db }: LineItemReaderParts,
  { organizationId, billingPeriod }: Request,
  dataSourceId: string | undefined,
): Promise<LineItemPosition | null> {
  if (dataSourceId === undefined) return null;
  const bill = await getPeriod(db, organizationId, dataSourceId, billingPeriod);
  return bill === null ? null : { dataSourceId, generationId: bill.generationId, offset: 0 };
}

async function readBill(
  { rawStore, periodReader, scratchDirectory }: LineItemReaderParts,
  resource: Resource,
  bill: BillingPeriod,
  page: { offset: number; limit: number; signal: AbortSignal },
): ReturnType<PeriodReader['readLineItems']> {
  await mkdir(scratchDirectory, { recursive: true });
  const workDirectory = await mkdtemp(join(scratchDirectory, 'line-items-'));
  const opened: LocalFile[] = [];
  try {
    const files: PeriodFile[] = [];
    for (const [position, object] of bill.objects.entries()) {
      const file = await rawStore.openFile(resource.organizationId, object.sha256, page.signal);
      opened.push(file);
      await file.verified;
      files.push({ position, key: object.key, path: file.path, format: object.format });
    }
    return await periodReader.readLineItems({
      ...page,
      files,
      accountId: resource.accountId,
      nativeId: resource.nativeId,
      workDirectory,
    });
  } finally {
    for (const file of opened) await file.release();
    await rm(workDirectory, { recursive: true, force: true });
  }
}

function replaced(billingPeriod: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'billing.generation-replaced',
    message: `The bill of ${billingPeriod.slice(0, 7)} was imported anew meanwhile. Start again without page_token.`,
  });
}
