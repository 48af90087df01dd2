import { checkedAzureInput } from '../../domain/data-sources/azure-credentials.ts';
import type { CheckedAccount, CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import { createAzureCatalog } from './catalog.ts';
import { createAzureClients, type AzureClients } from './clients.ts';
import { listMachines } from './listing.ts';
import { createAzurePower } from './power.ts';
import type { AzureSettings } from './settings.ts';
import { createTokenSource, createTokenSources, type TokenSource } from './tokens.ts';

/** Azure: a subscription's virtual machines, by an application of its directory or the worker's own identity. */
export function createAzureProvider(settings: AzureSettings): CloudProvider {
  const kept = createTokenSources(settings);
  const tlsOptions = settings.certificateAuthority === null ? null : { ca: settings.certificateAuthority };
  return {
    cloud: 'azure',
    refuseMalformed: (connection, credentials) => void checkedAzureInput(connection, credentials),
    check: async (connection, credentials, signal) => {
      const input = checkedAzureInput(connection, credentials);
      // A token of before would hide that the secret was revoked.
      const tokens = createTokenSource(settings, input.credentials);
      return checkAccount(createAzureClients({ settings, ...input, tokens, tlsOptions }), tokens, signal);
    },
    open: ({ connection, credentials }) => {
      const input = checkedAzureInput(connection, credentials);
      const clients = createAzureClients({ settings, ...input, tokens: kept.of(input.credentials), tlsOptions });
      return { power: createAzurePower(clients), catalog: createAzureCatalog(clients) };
    },
  };
}

/** Asks for a token and for the first page of machines: it proves the directory, the secret, the subscription and the role. */
async function checkAccount(clients: AzureClients, tokens: TokenSource, signal: AbortSignal): Promise<CheckedAccount> {
  await tokens.getToken(signal);
  await listMachines(clients, signal).next();
  const { credentials, subscriptionId } = clients;
  return { accountId: subscriptionId, principal: credentials.kind === 'client-secret' ? credentials.client_id : null, warnings: [] };
}
