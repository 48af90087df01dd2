import type { TokenScope } from '../../domain/identity/token-scope.ts';
import type { Instant } from '../../domain/shared/time.ts';

/** Someone who proved who they are, and by what. */
export interface Caller {
  userId: string;
  displayName: string;
  platformAdministrator: boolean;
  credential: SessionCredential | TokenCredential;
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
