import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { lockInstance, saveDiscardLocalSsd } from '../../db/resources/instance-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { reselect } from '../power-schedules/port.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/**
 * Keeps a person's choice that stopping an instance may empty its local disks, or takes it back; with
 * it the instance can be stopped, so schedules choose anew. Choosing the same again changes nothing.
 */
export async function editInstance(tx: Transaction, ref: EntityRef, changes: { discardLocalSsd?: boolean | undefined }, decision: Decision): Promise<void> {
  const { organizationId, id } = ref;
  const instance = await lockInstance(tx, organizationId, id);
  if (instance === null) throw notFound('instance', id);
  decision.check?.(instance.version);
  const { discardLocalSsd } = changes;
  if (discardLocalSsd === undefined || discardLocalSsd === instance.discardLocalSsd) return;
  await saveDiscardLocalSsd(tx, organizationId, id, discardLocalSsd);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId,
    at: decision.at,
    subject: id,
    action: 'resources.edit-instance',
    by: decision.by,
    before: { discardLocalSsd: instance.discardLocalSsd },
    after: { discardLocalSsd },
  });
  await reselect(tx, organizationId, [id], decision);
}
