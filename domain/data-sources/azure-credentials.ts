import { DomainError, invalidField } from '../shared/errors.ts';
import type { AzureClientSecret, AzureCredentials, CloudCredentials, WorkersOwn } from './cloud-credentials.ts';
import type { CloudConnection } from './cloud-ports.ts';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
// A tenant goes by its id or by a domain it has verified, such as contoso.onmicrosoft.com.
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i;

/** Whether a value read from elsewhere, such as a sealed text, has the form of credentials for Azure. */
export function isAzureCredentials(value: unknown): value is AzureCredentials {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const fields = value as Record<string, unknown>;
  if (fields.kind === 'default-chain') return true;
  return fields.kind === 'client-secret' && [fields.tenant_id, fields.client_id, fields.client_secret].every((one) => typeof one === 'string');
}

/**
 * Refuses a connection or credentials whose form alone is wrong, before anything is called, and
 * tells their types. A wrong field is named as the API names it; values are never quoted.
 *
 * @throws `azure.malformed-account`, `azure.malformed-credentials`, `data-sources.no-credentials`
 */
export function checkedAzureInput(
  connection: CloudConnection,
  credentials: CloudCredentials | null,
): { subscriptionId: string; credentials: AzureCredentials } {
  const { account } = connection;
  if (account === undefined || !UUID.test(account)) {
    throw invalidField('azure.malformed-account', 'account', 'must be the id of a subscription, 8-4-4-4-12 hexadecimal digits, as the portal shows it under Subscriptions.');
  }
  if (credentials === null) {
    throw new DomainError({
      kind: 'invalid-input',
      code: 'data-sources.no-credentials',
      message: 'An Azure subscription needs credentials. Give an application with a client secret, or the worker\'s own (default-chain).',
    });
  }
  // Resources and bills write subscription ids in either case.
  return { subscriptionId: account.toLowerCase(), credentials: checkedCredentials(credentials) };
}

function checkedCredentials(credentials: CloudCredentials): AzureClientSecret | WorkersOwn {
  if (!isAzureCredentials(credentials)) {
    throw malformed('kind', 'must be client-secret (tenant_id, client_id, client_secret) or default-chain for Azure.');
  }
  if (credentials.kind === 'default-chain') return credentials;
  if (!UUID.test(credentials.tenant_id) && !DOMAIN.test(credentials.tenant_id)) {
    throw malformed('tenant_id', 'must be the id of the directory, 8-4-4-4-12 hexadecimal digits, or a domain it has verified.');
  }
  if (!UUID.test(credentials.client_id)) {
    throw malformed('client_id', 'must be the application (client) id, 8-4-4-4-12 hexadecimal digits.');
  }
  if (credentials.client_secret === '' || /\s/.test(credentials.client_secret)) {
    throw malformed('client_secret', 'is empty or holds white space: copy the value of the secret again.');
  }
  // The portal shows both side by side, and only the value is ever accepted.
  if (UUID.test(credentials.client_secret)) {
    throw malformed('client_secret', "is a secret's id. Give its value, which the portal shows once, when the secret is made.");
  }
  return credentials;
}

function malformed(field: string, problem: string): DomainError {
  return invalidField('azure.malformed-credentials', field, problem);
}
