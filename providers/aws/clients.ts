import type { BCMDataExportsClient } from '@aws-sdk/client-bcm-data-exports';
import type { CostAndUsageReportServiceClient } from '@aws-sdk/client-cost-and-usage-report-service';
import type { S3Client } from '@aws-sdk/client-s3';
import type { STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentials, AwsDefaultChain, AwsKeyPair } from '../../domain/data-sources/aws-credentials.ts';
import { toDomainError } from './sdk-errors.ts';
import { BILLING_API_REGION, type AwsSettings } from './settings.ts';

// The SDKs cost half a second and a hundred megabytes: they are loaded by the first call that needs
// one, and types alone are imported above.

interface Identity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

type Provider = () => Promise<Identity>;

/** Clients for one set of credentials. Retries are off everywhere: whoever calls an adapter retries. */
export interface AwsClients {
  s3(region: string): Promise<S3Client>;
  sts(): Promise<STSClient>;
  costAndUsageReport(): Promise<CostAndUsageReportServiceClient>;
  dataExports(): Promise<BCMDataExportsClient>;
}

export function createAwsClients(settings: AwsSettings, credentials: AwsCredentials): AwsClients {
  const provider = providerFor(settings, credentials);
  const { endpoints } = settings;
  return {
    s3: async (region) => {
      const { S3Client } = await import('@aws-sdk/client-s3');
      return new S3Client({
        ...(await common(settings)),
        region,
        credentials: provider,
        ...(endpoints.s3 !== null && { endpoint: endpoints.s3, forcePathStyle: true }),
      });
    },
    sts: async () => {
      const { STSClient } = await import('@aws-sdk/client-sts');
      return new STSClient({ ...(await stsConfig(settings)), credentials: provider });
    },
    costAndUsageReport: async () => {
      const { CostAndUsageReportServiceClient } = await import('@aws-sdk/client-cost-and-usage-report-service');
      return new CostAndUsageReportServiceClient({
        ...(await common(settings)),
        region: BILLING_API_REGION,
        credentials: provider,
        ...(endpoints.costAndUsageReport !== null && { endpoint: endpoints.costAndUsageReport }),
      });
    },
    dataExports: async () => {
      const { BCMDataExportsClient } = await import('@aws-sdk/client-bcm-data-exports');
      return new BCMDataExportsClient({
        ...(await common(settings)),
        region: BILLING_API_REGION,
        credentials: provider,
        ...(endpoints.dataExports !== null && { endpoint: endpoints.dataExports }),
      });
    },
  };
}

async function common(settings: AwsSettings) {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.responseTimeoutMs,
    // Without this a late answer is only warned about.
    throwOnRequestTimeout: true,
  });
  return { maxAttempts: 1, requestHandler, logger: silent };
}

/** The SDK would write hints to the console; what matters is thrown. */
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

async function stsConfig(settings: AwsSettings) {
  const { sts } = settings.endpoints;
  return { ...(await common(settings)), region: BILLING_API_REGION, ...(sts !== null && { endpoint: sts }) };
}

function providerFor(settings: AwsSettings, credentials: AwsCredentials): Provider {
  if (credentials.kind !== 'assumed-role') return baseProvider(credentials);
  let assume: Provider | undefined;
  return async () => {
    assume ??= await assumingProvider(settings, credentials.role_arn, credentials.external_id, baseProvider(credentials.base));
    try {
      return await assume();
    } catch (error) {
      // Explained here, where it is known that the role was refused and not the call that needed it.
      throw toDomainError(error, { action: 'sts:AssumeRole', resource: credentials.role_arn, roleArn: credentials.role_arn });
    }
  };
}

async function assumingProvider(
  settings: AwsSettings,
  roleArn: string,
  externalId: string | undefined,
  masterCredentials: Provider,
): Promise<Provider> {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  return fromTemporaryCredentials({
    masterCredentials,
    clientConfig: await stsConfig(settings),
    params: {
      RoleArn: roleArn,
      // Shown in the account's CloudTrail: people recognise who called.
      RoleSessionName: 'orrery',
      ...(externalId !== undefined && { ExternalId: externalId }),
    },
  });
}

function baseProvider(credentials: AwsKeyPair | AwsDefaultChain): Provider {
  if (credentials.kind === 'key-pair') {
    const identity: Identity = {
      accessKeyId: credentials.access_key_id,
      secretAccessKey: credentials.secret_access_key,
      ...(credentials.session_token !== undefined && { sessionToken: credentials.session_token }),
    };
    return () => Promise.resolve(identity);
  }
  let chain: Provider | undefined;
  return async () => {
    if (chain === undefined) {
      const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
      chain = fromNodeProviderChain({ maxRetries: 0 });
    }
    return chain();
  };
}
