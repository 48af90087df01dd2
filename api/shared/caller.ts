import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { TokenScope } from '../../domain/identity/token-scope.ts';
import type { Instant } from '../../domain/shared/time.ts';

/** Someone who proved who they are, and by what. */
export interface Caller {
  userId: string;
  displayName: string;
  platformAdministrator: boolean;
  credential: SessionCredential | TokenCredential;
  /** Their role in the organization of the path, where it was read along with the credentials. */
  membership: { organizationId: string; role: OrganizationRole | null } | null;
}

export interface SessionCredential {
  kind: 'session';
  sessionId: string;
  /** When its owner logged in. */
  createdAt: Instant;
}

export interface TokenCredential {
  kind: 'token';
  tokenId: string;
  scopes: TokenScope[];
  /** When set, the token reaches this organization alone. */
  organizationId: string | null;
}
