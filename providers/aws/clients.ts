import type { BCMDataExportsClient } from '@aws-sdk/client-bcm-data-exports';
import type { CostAndUsageReportServiceClient } from '@aws-sdk/client-cost-and-usage-report-service';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { S3Client } from '@aws-sdk/client-s3';
import type { STSClient } from '@aws-sdk/client-sts';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
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
  /** One client a region, kept: instances are looked at often. */
  ec2(region: string): Promise<EC2Client>;
}

export function createAwsClients(settings: AwsSettings, credentials: AwsCredentials): AwsClients {
  const provider = untilExpiry(providerFor(settings, credentials));
  const ec2Clients = new Map<string, Promise<EC2Client>>();
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
    ec2: (region) => {
      const client = ec2Clients.get(region) ?? ec2Client(settings, region, provider);
      ec2Clients.set(region, client);
      return client;
    },
  };
}

async function common(settings: AwsSettings) {
  return { maxAttempts: 1, requestHandler: await newHandler(settings), logger: silent };
}

async function newHandler(settings: AwsSettings): Promise<NodeHttpHandler> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  return new NodeHttpHandler({
    connectionTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.responseTimeoutMs,
    // Without this a late answer is only warned about.
    throwOnRequestTimeout: true,
  });
}

/** Connections are kept for all accounts of a worker: thousands of short calls would each shake hands anew. */
const ec2Handlers = new WeakMap<AwsSettings, Promise<NodeHttpHandler>>();

async function ec2Client(settings: AwsSettings, region: string, credentials: Provider): Promise<EC2Client> {
  const { EC2Client } = await import('@aws-sdk/client-ec2');
  const handler = ec2Handlers.get(settings) ?? newHandler(settings);
  ec2Handlers.set(settings, handler);
  const { ec2 } = settings.endpoints;
  return new EC2Client({
    maxAttempts: 1,
    requestHandler: await handler,
    logger: silent,
    region,
    credentials,
    ...(ec2 !== null && { endpoint: ec2 }),
  });
}

/** The SDK would write hints to the console; what matters is thrown. */
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

async function stsConfig(settings: AwsSettings) {
  const { sts } = settings.endpoints;
  return { ...(await common(settings)), region: BILLING_API_REGION, ...(sts !== null && { endpoint: sts }) };
}

/** How long before their end temporary credentials are fetched anew: a call may take its while. */
const EXPIRY_MARGIN_MS = 5 * 60_000;

/** Fetches once for all clients of an account, and again when what was fetched ends or could not be fetched. */
function untilExpiry(provider: Provider): Provider {
  let held: Promise<Identity> | undefined;
  const fetchAnew = async (): Promise<Identity> => {
    held = provider();
    try {
      return await held;
    } catch (error) {
      held = undefined;
      throw error;
    }
  };
  return async () => {
    const identity = await (held ?? fetchAnew());
    const isEnding = identity.expiration !== undefined && identity.expiration.getTime() - Date.now() < EXPIRY_MARGIN_MS;
    return isEnding ? fetchAnew() : identity;
  };
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
