import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { lockToken, revokeToken as revoke, type ApiToken } from '../../db/identity/token-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/**
 * Ends one's own token at once; ending it again changes nothing. With `organizationId`, only one that is limited to it:
 * what else its owner has is nothing to a limited token.
 */
export async function revokeToken(
  tx: Transaction,
  request: { userId: string; tokenId: string; organizationId: string | null },
  decision: { at: Instant; by: Actor },
): Promise<ApiToken> {
  const token = await lockToken(tx, request.userId, request.tokenId);
  if (token === null || (request.organizationId !== null && token.organizationId !== request.organizationId)) throw notFound('api-token', request.tokenId);
  if (token.revokedAt !== null) return token;
  await revoke(tx, token.id, decision.at);
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: token.organizationId,
    at: decision.at,
    subject: token.id,
    action: 'identity.revoke-token',
    by: decision.by,
    before: { name: token.name, revoked_at: null },
    after: { name: token.name, revoked_at: decision.at },
  });
  return { ...token, revokedAt: decision.at };
}
