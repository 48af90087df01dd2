import type { ApiToken } from '../../db/identity/token-store.ts';
import type { User } from '../../domain/identity/user.ts';
import type { z } from '../shared/zod.ts';
import type { tokenBody, userBody } from './schemas.ts';

/** A person on the wire. */
export function userView(user: User): z.input<typeof userBody> {
  return {
    id: user.id,
    email: user.email,
    display_name: user.displayName,
    platform_administrator: user.platformAdministrator,
    disabled_at: user.disabledAt,
    created_at: user.createdAt,
  };
}

/** An API token on the wire, without its secret. */
export function tokenView(token: ApiToken): z.input<typeof tokenBody> {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes,
    organization_id: token.organizationId,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    revoked_at: token.revokedAt,
    last_used_at: token.lastUsedAt,
  };
}
