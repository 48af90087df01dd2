/** A secret at rest: envelope encryption, opened only through the vault port. */
export interface Sealed {
  /** Which master key wrapped the data key. */
  keyId: string;
  /** Version, wrapped data key, nonces, ciphertext and tags, in the vault's own binary form. */
  bytes: Uint8Array;
}

/** The one way secrets are sealed and opened. `context` (a row id) is authenticated: a blob moved to another row does not open. */
export interface Vault {
  seal(plaintext: string, context: string): Sealed;
  /** Fails with `vault.unknown-key` or `vault.cannot-open`; never returns another secret. */
  open(sealed: Sealed, context: string): string;
  /** The key that `seal` uses now; rows sealed under another are due for rotation. */
  readonly currentKeyId: string;
}
