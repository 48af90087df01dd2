import { checkedGcpInput } from '../../domain/data-sources/gcp-credentials.ts';
import type { CloudCredentials, GcpCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import type { CloudConnection, CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import { createComputeCalls } from './compute.ts';
import { createInstanceCatalog } from './instances.ts';
import { createPowerControl } from './power.ts';
import { createSdkRunner } from './sdk.ts';
import type { GcpSettings } from './settings.ts';
import { createTokenCache, refuseUnreadableKey } from './tokens.ts';

/** Google Cloud, reached by a service account's key or by the worker's own credentials. An account is a project. */
export function createGcpProvider(settings: GcpSettings): CloudProvider {
  const runWithSdk = createSdkRunner(settings);
  const sourceFor = createTokenCache(settings);
  const { pageSize } = settings;
  return {
    cloud: 'gcp',
    refuseMalformed: (connection, credentials) => {
      checkedInput(connection, credentials);
    },
    check: async (connection, given, signal) => {
      const { projectId, credentials } = checkedInput(connection, given);
      // One read tells all there is to tell: token, project, its API, and the permission that discovery needs.
      await createComputeCalls(runWithSdk, sourceFor(credentials, 'new'), projectId).listAll({ token: null, size: 1 }, signal);
      const principal = credentials.kind === 'service-account-key' ? credentials.client_email : null;
      return { accountId: projectId, principal, warnings: [] };
    },
    open: ({ accountId, connection, credentials: given }) => {
      const { credentials } = checkedInput({ ...connection, account: accountId }, given);
      const calls = createComputeCalls(runWithSdk, sourceFor(credentials), accountId);
      return {
        power: createPowerControl({ calls, id: accountId, pageSize }),
        catalog: createInstanceCatalog(calls, accountId, pageSize),
      };
    },
  };
}

function checkedInput(connection: CloudConnection, given: CloudCredentials | null): { projectId: string; credentials: GcpCredentials } {
  const checked = checkedGcpInput(connection, given);
  refuseUnreadableKey(checked.credentials);
  return checked;
}
