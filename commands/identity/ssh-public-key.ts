import sshpk from 'sshpk';
import { LONGEST_KEY, SHORTEST_RSA_BITS, type SshPublicKey } from '../../domain/identity/ssh-key.ts';
import { invalidField } from '../../domain/shared/errors.ts';

/** Key types that OpenSSH still takes. DSA is not among them. */
const TYPES = new Set(['rsa', 'ed25519', 'ecdsa']);

/**
 * Reads a public key in OpenSSH's form, `ssh-ed25519 AAAA… comment`, and answers with it as one line
 * without options and its fingerprint as `ssh-keygen -l` shows it. Refuses by field `public_key`:
 * whatever is no such key, private keys, DSA, RSA below 2048 bits.
 */
export function readSshPublicKey(text: string): SshPublicKey {
  const line = text.trim();
  if (line.includes('PRIVATE KEY')) throw refused('is a private key. Keep it to yourself, replace it if others saw it, and give the public one, which ends in .pub');
  if (line.length > LONGEST_KEY || line.includes('\n')) throw refused('must be one line, as in a .pub file');
  const key = parse(line);
  if (!TYPES.has(key.type)) throw refused(`is of type ${key.type}, which is no longer safe; make one with ssh-keygen -t ed25519`);
  if (key.type === 'rsa' && key.size < SHORTEST_RSA_BITS) throw refused(`has ${key.size} bits; an RSA key needs ${SHORTEST_RSA_BITS}. Make one with ssh-keygen -t ed25519`);
  const [type, body] = key.toString('ssh').split(' ');
  const comment = line.split(/\s+/).slice(2).join(' ');
  return { publicKey: `${type} ${body}`, comment, fingerprint: key.fingerprint('sha256').toString() };
}

function parse(line: string): sshpk.Key {
  try {
    return sshpk.parseKey(line, 'ssh');
  } catch (error) {
    // The library refuses in many ways; each means the same to whoever pasted it.
    if (!(error instanceof Error)) throw error;
    throw refused('is no SSH public key; paste the line of a .pub file, which begins with ssh-ed25519, ssh-rsa or ecdsa-sha2');
  }
}

function refused(problem: string) {
  return invalidField('identity.ssh-key-invalid', 'public_key', problem);
}
