import { invalidField } from '../shared/errors.ts';
import type { GcpServiceAccountKey } from './cloud-credentials.ts';

/**
 * Reads a service account's key as Google's console gives it: the JSON file's text, or what it
 * holds. Fails with `gcp.malformed-key`; nothing of the key is quoted.
 * https://cloud.google.com/iam/docs/keys-create-delete
 *
 * @returns the credentials, and the project that the file names, null when it names none.
 */
export function readKeyFile(key: string | Record<string, unknown>): { credentials: GcpServiceAccountKey; projectId: string | null } {
  const { type, client_email: email, private_key: privateKey, private_key_id: keyId, project_id: projectId } = contentOf(key);
  if (type !== 'service_account') {
    throw malformed("is not a service account's key: its type must be service_account. Make a key of type JSON under IAM, Service accounts, Keys.");
  }
  if (typeof email !== 'string' || typeof privateKey !== 'string') {
    throw malformed('lacks client_email or private_key: give the whole file, as it was downloaded.');
  }
  return {
    credentials: { kind: 'service-account-key', client_email: email, private_key: privateKey, ...(typeof keyId === 'string' && { private_key_id: keyId }) },
    projectId: typeof projectId === 'string' ? projectId : null,
  };
}

function contentOf(key: string | Record<string, unknown>): Record<string, unknown> {
  if (typeof key !== 'string') return key;
  let value: unknown;
  try {
    value = JSON.parse(key);
  } catch {
    throw malformed('is not JSON: give the content of the key file, from { to }.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('must be a JSON object: give the content of the key file.');
  return value as Record<string, unknown>;
}

function malformed(problem: string): Error {
  return invalidField('gcp.malformed-key', 'credentials.key', problem);
}
