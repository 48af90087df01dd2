import type { ComputeManagementClient } from '@azure/arm-compute';
import type { AzureCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import type { AzureSettings } from './settings.ts';
import type { TokenSource } from './tokens.ts';

/** What the pipeline shows of an answer. */
export interface ArmAnswer {
  status: number;
  bodyAsText?: string | null | undefined;
}

/** Calls on one subscription. */
export interface AzureClients {
  subscriptionId: string;
  credentials: AzureCredentials;
  /**
   * A client for one call: each of its requests ends at `signal` or after the time-out, also the
   * further pages and polls that the SDK sends without a signal. Making one costs a tenth of a
   * millisecond; connections are shared. `heard` is told every answer.
   */
  compute(signal: AbortSignal, heard?: (answer: ArmAnswer) => void): Promise<ComputeManagementClient>;
}

export interface AzureAccess {
  settings: AzureSettings;
  subscriptionId: string;
  credentials: AzureCredentials;
  tokens: TokenSource;
  /** One object for all accounts: the SDK keeps its connections by it. Null: the system's authorities. */
  tlsOptions: { ca: string } | null;
}

export function createAzureClients({ settings, subscriptionId, credentials, tokens, tlsOptions }: AzureAccess): AzureClients {
  const { resourceManager } = settings.endpoints;
  return {
    subscriptionId,
    credentials,
    compute: async (signal, heard) => {
      // The SDK is loaded by the first call that needs it.
      const { ComputeManagementClient } = await import('@azure/arm-compute');
      return new ComputeManagementClient({ getToken: () => tokens.getToken(signal) }, subscriptionId, {
        ...(resourceManager !== null && { endpoint: resourceManager }),
        ...(tlsOptions !== null && { tlsOptions }),
        // Whoever calls an adapter retries.
        retryOptions: { maxRetries: 0 },
        additionalPolicies: [
          {
            position: 'perCall',
            policy: {
              name: 'orrery-call',
              sendRequest: async (request, next) => {
                // The SDK's own time-out ends with the header, and goes on after a broken connection.
                request.abortSignal = AbortSignal.any([signal, AbortSignal.timeout(settings.requestTimeoutMs)]);
                const answer = await next(request);
                if (answer.status === 401) tokens.refused();
                heard?.(answer);
                return answer;
              },
            },
          },
        ],
      });
    },
  };
}
