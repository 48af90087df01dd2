import { DomainError, invalidField } from '../shared/errors.ts';

/** A long-lived key, or a temporary one when it comes with a session token. */
export interface AwsKeyPair {
  kind: 'key-pair';
  access_key_id: string;
  secret_access_key: string;
  session_token?: string | undefined;
}

/** Whatever the SDK finds where the worker runs: environment, profile, container or instance role. */
export interface AwsDefaultChain {
  kind: 'default-chain';
}

export interface AwsAssumedRole {
  kind: 'assumed-role';
  role_arn: string;
  /** What the role's trust policy asks for, against the confused deputy. */
  external_id?: string | undefined;
  /** Who assumes the role. */
  base: AwsKeyPair | AwsDefaultChain;
}

/** How an AWS account is reached. In clear only inside the vault's sealed text and in a running activity. */
export type AwsCredentials = AwsKeyPair | AwsAssumedRole | AwsDefaultChain;

/** The text that is sealed for a data source. */
export function credentialsToText(credentials: AwsCredentials): string {
  return JSON.stringify(credentials);
}

/** Reads what `credentialsToText` wrote. Fails with `data-sources.credentials-unreadable`, never quoting the text. */
export function credentialsFromText(text: string): AwsCredentials {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable();
  }
  if (!isCredentials(value)) throw unreadable();
  return value;
}

function isCredentials(value: unknown): value is AwsCredentials {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const fields = value as Record<string, unknown>;
  if (fields.kind === 'default-chain') return true;
  if (fields.kind === 'key-pair') return typeof fields.access_key_id === 'string' && typeof fields.secret_access_key === 'string';
  if (fields.kind !== 'assumed-role' || typeof fields.role_arn !== 'string') return false;
  return isCredentials(fields.base) && fields.base.kind !== 'assumed-role';
}

function unreadable(): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'data-sources.credentials-unreadable',
    message: 'The stored credentials are not in a form this version knows. Set the credentials of the data source anew.',
  });
}

/** Refuses credentials whose form alone is wrong, before anything is called. The values are never quoted. */
export function refuseMalformedCredentials(credentials: AwsCredentials): void {
  if (credentials.kind === 'default-chain') return;
  if (credentials.kind === 'assumed-role') {
    if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/.test(credentials.role_arn)) {
      throw invalidField('aws.malformed-role', 'role_arn', 'must look like arn:aws:iam::123456789012:role/name.');
    }
    refuseMalformedCredentials(credentials.base);
    return;
  }
  if (!/^[A-Za-z0-9]{16,128}$/.test(credentials.access_key_id)) {
    throw invalidField('aws.malformed-key', 'access_key_id', 'must be 16 to 128 letters and digits, as IAM shows it.');
  }
  if (credentials.secret_access_key.trim() === '' || /\s/.test(credentials.secret_access_key)) {
    throw invalidField('aws.malformed-key', 'secret_access_key', 'is empty or holds white space: copy it again from IAM.');
  }
}
