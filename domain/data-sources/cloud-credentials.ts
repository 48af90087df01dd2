import { DomainError } from '../shared/errors.ts';
import type { AwsCredentials } from './aws-credentials.ts';

/** An application of Microsoft Entra ID with a client secret. */
export interface AzureClientSecret {
  kind: 'client-secret';
  tenant_id: string;
  client_id: string;
  client_secret: string;
}

/** A key of a Google service account, as the console's JSON file has it. */
export interface GcpServiceAccountKey {
  kind: 'service-account-key';
  client_email: string;
  private_key: string;
  private_key_id?: string | undefined;
}

/** An AccessKey pair of a RAM user. */
export interface AlibabaKeyPair {
  kind: 'access-key';
  access_key_id: string;
  access_key_secret: string;
}

/** Whatever the cloud's SDK finds where the worker runs. */
export interface WorkersOwn {
  kind: 'default-chain';
}

export type AzureCredentials = AzureClientSecret | WorkersOwn;
export type GcpCredentials = GcpServiceAccountKey | WorkersOwn;
export type AlibabaCredentials = AlibabaKeyPair;

/** How an account of any cloud is reached; null for the sandbox and for a directory of bills. */
export type CloudCredentials = AwsCredentials | AzureCredentials | GcpCredentials | AlibabaCredentials;

/** Reads credentials of any cloud back from the text that was sealed. Fails with `data-sources.credentials-unreadable`, never quoting it. */
export function cloudCredentialsFromText(text: string): CloudCredentials {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable();
  }
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null;
  if (typeof kind !== 'string' || !KINDS.has(kind)) throw unreadable();
  // Written by us from checked input and authenticated by the vault: the kind alone tells the form.
  return value as CloudCredentials;
}

const KINDS: ReadonlySet<string> = new Set<CloudCredentials['kind']>([
  'key-pair',
  'assumed-role',
  'default-chain',
  'client-secret',
  'service-account-key',
  'access-key',
]);

function unreadable(): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'data-sources.credentials-unreadable',
    message: 'The stored credentials are not in a form this version knows. Set the credentials of the data source anew.',
  });
}
