/**
 * What an API token may be used for, from most to least; each scope includes those after it. `admin`
 * manages people, members and tokens, `write` changes everything else, `read` only looks. A scope never
 * gives more than its owner may do.
 */
export const TOKEN_SCOPES = ['admin', 'write', 'read'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Whether a token that holds `held` may be used for what asks for `needed`. */
export function scopesSuffice(held: readonly TokenScope[], needed: TokenScope): boolean {
  return held.some((scope) => TOKEN_SCOPES.indexOf(scope) <= TOKEN_SCOPES.indexOf(needed));
}
