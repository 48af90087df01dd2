import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { lockInstancePrices, readPriceList, replacePriceList } from '../../db/resources/instance-price-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { priceChanges, readInstancePrices, type InstancePrice } from '../../domain/resources/instance-price.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/**
 * Puts a list of hourly prices in the place of the organization's, and answers with it as it is kept. The ledger keeps
 * the lines that changed, before and after; the same list again changes nothing. Throws `resources.invalid-prices`.
 */
export async function replaceInstancePrices(tx: Transaction, organizationId: string, wish: readonly InstancePrice[], { at, by }: Decision): Promise<InstancePrice[]> {
  const prices = readInstancePrices(wish);
  await lockInstancePrices(tx, organizationId);
  const changes = priceChanges(await readPriceList(tx, organizationId), prices);
  if (changes.before.length === 0 && changes.after.length === 0) return readPriceList(tx, organizationId);
  await replacePriceList(tx, organizationId, prices);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId,
    at,
    subject: organizationId,
    action: 'resources.replace-prices',
    by,
    before: changes.before,
    after: changes.after,
  });
  return readPriceList(tx, organizationId);
}
