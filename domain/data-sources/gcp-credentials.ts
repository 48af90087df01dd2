import { DomainError, invalidField } from '../shared/errors.ts';
import type { CloudCredentials, GcpCredentials, GcpServiceAccountKey } from './cloud-credentials.ts';
import type { CloudConnection } from './cloud-ports.ts';

// Old projects of a Workspace domain carry it before a colon: example.com:my-project.
const PROJECT_ID = /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;
const SERVICE_ACCOUNT = /^[^@\s]+@(?:[^@\s.]+\.)*gserviceaccount\.com$/;
const PROJECT_OF_ACCOUNT = /@([a-z][a-z0-9-]{4,28}[a-z0-9])\.iam\.gserviceaccount\.com$/;
const PEM = /^-----BEGIN (?:RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\s]+\n-----END (?:RSA )?PRIVATE KEY-----\s*$/;

/**
 * Refuses a connection or credentials whose form alone is wrong, before anything is called, and
 * tells the project's id and the credentials' type. A connection that names no project means the
 * one that the key's service account belongs to. A wrong field is named as the API names it; values
 * are never quoted.
 *
 * @throws `gcp.malformed-account`, `gcp.malformed-key`, `data-sources.no-credentials`
 */
export function checkedGcpInput(
  connection: CloudConnection,
  credentials: CloudCredentials | null,
): { projectId: string; credentials: GcpCredentials } {
  if (credentials === null) {
    throw new DomainError({
      kind: 'invalid-input',
      code: 'data-sources.no-credentials',
      message: "A Google Cloud project needs credentials. Give a service account's key, or the worker's own (default-chain).",
    });
  }
  const checked = checkedCredentials(credentials);
  return { projectId: checkedProject(connection.account, checked), credentials: checked };
}

function checkedCredentials(credentials: CloudCredentials): GcpCredentials {
  if (credentials.kind === 'default-chain') return credentials;
  if (credentials.kind !== 'service-account-key') {
    throw malformed('kind', 'must be service-account-key (client_email, private_key) or default-chain for Google Cloud.');
  }
  if (!SERVICE_ACCOUNT.test(credentials.client_email)) {
    throw malformed('client_email', "must be a service account's address, such as name@project.iam.gserviceaccount.com.");
  }
  refuseMalformedKey(credentials);
  return credentials;
}

function refuseMalformedKey({ private_key: key }: GcpServiceAccountKey): void {
  if (key.includes(String.raw`\n`)) {
    throw malformed('private_key', String.raw`holds \n as two characters where lines should break: give the value as the JSON file means it.`);
  }
  if (!PEM.test(key.replaceAll('\r\n', '\n'))) {
    throw malformed('private_key', 'must be the whole text from BEGIN PRIVATE KEY to END PRIVATE KEY, with its line breaks: copy it again from the JSON file.');
  }
}

function checkedProject(account: string | undefined, credentials: GcpCredentials): string {
  if (account !== undefined) {
    if (PROJECT_ID.test(account)) return account;
    const problem = /^\d+$/.test(account)
      ? "is a project's number. Give its id, which the console shows beside it."
      : "must be a project's id: 6 to 30 lower-case letters, digits and hyphens, as the console shows it.";
    throw invalidField('gcp.malformed-account', 'account', problem);
  }
  const own = credentials.kind === 'service-account-key' ? PROJECT_OF_ACCOUNT.exec(credentials.client_email)?.[1] : undefined;
  if (own !== undefined) return own;
  throw invalidField('gcp.malformed-account', 'account', "is missing: give the project's id, which these credentials do not tell.");
}

/** Refuses one field of the credentials by name. */
function malformed(field: string, problem: string): DomainError {
  return invalidField('gcp.malformed-key', field, problem);
}
