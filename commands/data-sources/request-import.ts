import type { Transaction } from '../../db/shared/connection.ts';
import type { BillingImport, ImportCause } from '../../domain/billing/billing-import.ts';
import { hasOpenImport, requestImport as request } from '../../domain/data-sources/data-source.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { unchanged } from '../../domain/shared/entity.ts';
import type { Instant, Month } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { dataSourceEntity } from './data-source-entity.ts';

export interface ImportRequest {
  cause: ImportCause;
  /** Months to read again even when unchanged; none: whatever changed. */
  months: Month[];
  at: Instant;
  by: Actor;
}

/**
 * Asks for an import of a data source. Joins one that waits, or a running one that has not begun to
 * look at the export; otherwise queues behind the running one. Answers with the import that will do it.
 */
export async function requestImport(tx: Transaction, ref: EntityRef, wish: ImportRequest): Promise<BillingImport> {
  let asked: BillingImport | undefined;
  const ids = { id: newId('billing-import'), operationId: newId('operation') };
  await decide(tx, dataSourceEntity, ref, wish, (source, at) => {
    const outcome = request(
      source,
      { ...ids, cause: wish.cause, automatic: wish.months.length === 0, requestedMonths: wish.months },
      at,
    );
    asked = outcome.import;
    return outcome.settled;
  });
  if (asked === undefined) throw new Error('the decision did not run');
  return asked;
}

/** A tick of the Schedule: asks for an import unless one runs or waits, or the data source is paused. */
export async function tickImport(tx: Transaction, ref: EntityRef, at: Instant, by: Actor): Promise<void> {
  const ids = { id: newId('billing-import'), operationId: newId('operation') };
  await decide(tx, dataSourceEntity, ref, { at, by }, (source, at) => {
    if (source.state !== 'active' || hasOpenImport(source)) return unchanged(source);
    return request(source, { ...ids, cause: 'schedule', automatic: true, requestedMonths: [] }, at).settled;
  });
}
