import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { saveWebhook } from '../../db/webhooks/webhook-store.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { Sealed } from '../../domain/shared/vault.ts';
import { originOf, type Webhook } from '../../domain/webhooks/webhook.ts';
import { newId } from '../shared/new-id.ts';

/** Writes a changed webhook with a new version, its secrets where they changed, and the ledger entry. Answers with what was written. */
export async function recordWebhookStep(
  tx: Transaction,
  { before, after, sealed }: { before: Webhook; after: Webhook; sealed: Sealed | null },
  action: string,
  decision: { at: Instant; by: Actor },
): Promise<Webhook> {
  const at = laterOf(decision.at, before.lastAt);
  const written = { ...after, version: before.version + 1, lastAt: at };
  await saveWebhook(tx, written, sealed);
  const entry = { id: newId('ledger-entry'), organizationId: before.organizationId, at, subject: before.id, action, by: decision.by };
  await recordLedgerEntry(tx, { ...entry, before: webhookForLedger(before), after: written.deletedAt === null ? webhookForLedger(written) : null });
  return written;
}

/** Paths and queries of URLs may be secrets, and header values are. */
export function webhookForLedger(webhook: Webhook): Record<string, unknown> {
  return {
    name: webhook.name,
    environment_id: webhook.environmentId,
    url_origin: originOf(webhook.url),
    events: webhook.events,
    header_names: webhook.headerNames,
    previous_secret_until: webhook.previousSecretUntil,
    enabled: webhook.enabled,
    disabled_because: webhook.disabledBecause,
  };
}
