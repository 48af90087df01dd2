import type { ApiToken } from '../../db/identity/token-store.ts';
import type { Activation } from '../../domain/identity/activation.ts';
import type { Profile } from '../../domain/identity/profile.ts';
import type { User } from '../../domain/identity/user.ts';
import type { z } from '../shared/zod.ts';
import type { activationBody, meBody, tokenBody, userBody } from './schemas.ts';

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

/** What a person says about themselves, on the wire. */
export function profileView(profile: Profile): z.input<typeof meBody>['profile'] {
  return {
    category: profile.category,
    first_name: profile.firstName,
    last_name: profile.lastName,
    address: profile.address,
    phone: profile.phone,
    language: profile.language,
    color_scheme: profile.colorScheme,
  };
}

export function activationView({ state, requestedAt, activatedAt }: Activation): z.input<typeof activationBody> {
  return { state, requested_at: requestedAt, activated_at: activatedAt };
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
