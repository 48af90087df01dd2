import { generateKeyPairSync } from 'node:crypto';

/** A new Ed25519 public key as the line of a .pub file (RFC 8709, section 4: name and 32 bytes, each with its length). */
export function sshPublicKey(comment = 'ada@laptop'): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} ${comment}`;
}
