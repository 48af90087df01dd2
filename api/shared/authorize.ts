import { findMembershipRole } from '../../db/organizations/membership-store.ts';
import { organizationExists } from '../../db/organizations/organization-store.ts';
import { RECENT_LOGIN_MS } from '../../domain/identity/session.ts';
import { scopesSuffice, type TokenScope } from '../../domain/identity/token-scope.ts';
import { roleSuffices, type OrganizationRole } from '../../domain/organizations/role.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import type { Caller } from './caller.ts';
import type { ApiDependencies } from './dependencies.ts';
import type { Operation } from './operation.ts';

export function unauthenticated(): DomainError {
  return new DomainError({
    kind: 'unauthenticated',
    code: 'identity.unauthenticated',
    message: 'Credentials are missing, expired or revoked: send Authorization: Bearer with an API token, or log in at /v1/session.',
  });
}

/** Who asks, on an operation that asks for somebody. */
export function requireCaller(caller: Caller | null): Caller {
  if (caller === null) throw unauthenticated();
  return caller;
}

function notAllowed(code: string, message: string): DomainError {
  return new DomainError({ kind: 'not-allowed', code, message });
}

/** What a caller is in the organization of a request. */
export interface Standing {
  organizationId: string;
  role: OrganizationRole;
}

/**
 * Decides whether `caller` may run `operation`, and answers with the organization whose role gave
 * access, and that role (null where none is involved). 401 comes before everything; an organization in which the
 * caller has no role, and all it owns, is 404; then come role and token scope, 403.
 */
export async function authorize(
  deps: ApiDependencies,
  operation: Operation,
  caller: Caller | null,
  params: Record<string, unknown>,
): Promise<Standing | null> {
  const { access } = operation;
  if (access.kind === 'public') return null;
  if (caller === null) throw unauthenticated();
  if (access.kind === 'platform-administrator') {
    // A token for one organization must not act on the platform, whoever owns it.
    if (!caller.platformAdministrator || limitedTo(caller) !== null) {
      throw notAllowed('identity.not-platform-administrator', 'Only a platform administrator may do this.');
    }
  }
  let standing: Standing | null = null;
  if (access.kind === 'organization') {
    const organizationId = access.scopeFrom === 'path' ? String(params.organization_id) : await access.scopeFrom(deps, params);
    standing = await requireRole(deps, caller, organizationId, access.role, params);
  }
  requireScope(caller, operation.tokenScope);
  return standing;
}

async function requireRole(
  deps: ApiDependencies,
  caller: Caller,
  organizationId: string | null,
  needed: OrganizationRole,
  params: Record<string, unknown>,
): Promise<Standing> {
  const held = organizationId === null ? null : await roleOf(deps, caller, organizationId);
  if (organizationId === null || held === null) {
    throw 'organization_id' in params
      ? notFound('organization', String(params.organization_id))
      : notFound('item', Object.values(params).map(String).join('/'));
  }
  if (!roleSuffices(held, needed)) {
    throw notAllowed('organizations.role-insufficient', `This needs the role ${needed} in the organization; yours is ${held}. Ask a manager of it.`);
  }
  return { organizationId, role: held };
}

/** The caller's role in the organization, or null when to the caller there is no such organization. */
export async function roleOf(deps: ApiDependencies, caller: Caller, organizationId: string): Promise<OrganizationRole | null> {
  const limit = limitedTo(caller);
  if (limit !== null && limit !== organizationId) return null;
  if (caller.platformAdministrator) return (await organizationExists(deps.db, organizationId)) ? 'manager' : null;
  if (caller.membership?.organizationId === organizationId) return caller.membership.role;
  return await findMembershipRole(deps.db, organizationId, caller.userId);
}

/** The one organization that a token is limited to; null for whoever may act in all of theirs. */
export function limitedTo(caller: Caller): string | null {
  return caller.credential.kind === 'token' ? caller.credential.organizationId : null;
}

/** Refuses a token that is limited to one organization, or has less than `scope`: what is about a person as a whole asks for that. */
export function requireUnlimited(caller: Caller, scope: TokenScope = 'admin'): void {
  requireScope(caller, scope);
  if (limitedTo(caller) !== null) throw notAllowed('identity.token-limited', 'This token is limited to one organization; log in to do this.');
}

/**
 * Refuses a session whose owner logged in a while ago: what decides by which addresses an account is let in to asks again who
 * they are (OWASP ASVS 5.0, 7.5.1). A token with the scope for it was given that on purpose.
 */
export function requireRecentLogin({ credential }: Caller, at: Instant): void {
  if (credential.kind === 'token' || plusMilliseconds(credential.createdAt, RECENT_LOGIN_MS) > at) return;
  throw notAllowed('identity.log-in-again', 'This changes by what you are let in: log in again, and do it within a quarter of an hour.');
}

function requireScope(caller: Caller, needed: TokenScope): void {
  if (caller.credential.kind === 'session' || scopesSuffice(caller.credential.scopes, needed)) return;
  throw notAllowed(
    'identity.scope-insufficient',
    `This token holds ${caller.credential.scopes.join(', ')}; this needs ${needed}. Make a token with that scope.`,
  );
}
