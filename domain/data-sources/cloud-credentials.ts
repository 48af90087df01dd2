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
