import type { TokenScope } from '../../domain/identity/token-scope.ts';

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
}

export interface TokenCredential {
  kind: 'token';
  tokenId: string;
  scopes: TokenScope[];
  /** When set, the token reaches this organization alone. */
  organizationId: string | null;
}
