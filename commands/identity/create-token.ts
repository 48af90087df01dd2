import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertToken, type ApiToken } from '../../db/identity/token-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { scopesSuffice, type TokenScope } from '../../domain/identity/token-scope.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { hashSecret, newApiToken } from './secrets.ts';

export interface CreateToken {
  userId: string;
  name: string;
  scopes: TokenScope[];
  organizationId: string | null;
  expiresAt: Instant | null;
  /** The token that asks for another, when one does: the new one may not reach further. */
  parent: { scopes: TokenScope[]; organizationId: string | null } | null;
}

/** Makes an API token. Its secret is in the answer and nowhere else. */
export async function createToken(
  tx: Transaction,
  request: CreateToken,
  decision: { at: Instant; by: Actor },
): Promise<{ token: ApiToken; secret: string }> {
  if (request.expiresAt !== null && request.expiresAt <= decision.at) {
    throw invalidField('identity.token-expired', 'expires_at', 'lies in the past; give a later instant, or none');
  }
  requireWithinParent(request);
  const secret = newApiToken();
  const token: ApiToken = {
    id: newId('api-token'),
    userId: request.userId,
    organizationId: request.organizationId,
    name: request.name,
    scopes: request.scopes,
    createdAt: decision.at,
    expiresAt: request.expiresAt,
    revokedAt: null,
    lastUsedAt: null,
  };
  await insertToken(tx, token, hashSecret(secret));
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: token.organizationId,
    at: decision.at,
    subject: token.id,
    action: 'identity.create-token',
    by: decision.by,
    before: null,
    after: { name: token.name, scopes: token.scopes, organization_id: token.organizationId, expires_at: token.expiresAt },
  });
  return { token, secret };
}

function requireWithinParent({ parent, scopes, organizationId }: CreateToken): void {
  if (parent === null) return;
  const within = parent.organizationId === null || parent.organizationId === organizationId;
  if (within && scopes.every((scope) => scopesSuffice(parent.scopes, scope))) return;
  throw new DomainError({
    kind: 'not-allowed',
    code: 'identity.token-reaches-further',
    message: 'A token may not make one that reaches further than itself; log in to make this one.',
  });
}
