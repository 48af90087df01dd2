import type { AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import { refuseMalformedCredentials } from '../../domain/data-sources/aws-credentials.ts';
import type { CloudCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import { cloudError, problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { CheckedAccount, CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { createAwsClients, type AwsClients } from './clients.ts';
import { callEc2 } from './ec2-errors.ts';
import { createEc2Catalog, describeInstances, enabledRegions, INSTANCES_PAGE } from './instances.ts';
import { createEc2Power } from './power.ts';
import { BILLING_API_REGION, type AwsSettings } from './settings.ts';

/** The smallest page EC2 gives. */
const SMALLEST_PAGE = 5;

export interface AwsProviderOptions {
  /** Instances a page, 5 to 1000; by default the most. */
  pageSize?: number;
}

/** EC2 instances and their power. Bills have adapters of their own. */
export function createAwsProvider(settings: AwsSettings, { pageSize = INSTANCES_PAGE }: AwsProviderOptions = {}): CloudProvider {
  const knownTypes = new Map<string, boolean>();
  return {
    cloud: 'aws',
    refuseMalformed: (_connection, credentials) => refuseMalformedCredentials(awsCredentials(credentials)),
    check: async (_connection, credentials, signal) => {
      const own = awsCredentials(credentials);
      refuseMalformedCredentials(own);
      return check(createAwsClients(settings, own), signal);
    },
    open: ({ accountId, credentials }) => {
      const clients = createAwsClients(settings, awsCredentials(credentials));
      return { power: createEc2Power({ clients, pageSize }), catalog: createEc2Catalog({ clients, accountId, knownTypes, pageSize }) };
    },
  };
}

function awsCredentials(credentials: CloudCredentials | null): AwsCredentials {
  const kind = credentials?.kind;
  if (kind === 'key-pair' || kind === 'assumed-role' || kind === 'default-chain') return credentials as AwsCredentials;
  throw new DomainError({
    kind: 'invalid-input',
    code: 'data-sources.no-credentials',
    message: "An AWS account needs credentials. Give a key pair, a role, or the worker's own (default-chain).",
    fields: [{ field: 'credentials', problem: 'must be a key pair, a role, or the default chain.' }],
  });
}

/**
 * The account is who signs, by STS, which needs no permission. Rights to read instances are tried
 * too; one that is missing is a warning, because an account may be connected for its bill alone.
 */
async function check(clients: AwsClients, signal: AbortSignal): Promise<CheckedAccount> {
  const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const client = await clients.sts();
  const call = { action: 'sts:GetCallerIdentity', resource: 'the account' };
  const answer = await callEc2(call, signal, () => client.send(new GetCallerIdentityCommand({}), { abortSignal: signal }));
  const { Account: accountId, Arn: principal = null } = answer;
  if (accountId === undefined) throw cloudError('aws', 'rejected', { call: call.action, resource: call.resource, cloudCode: 'NoAccount' });
  return { accountId, principal, warnings: await readingWarnings(clients, accountId, signal) };
}

async function readingWarnings(clients: AwsClients, accountId: string, signal: AbortSignal): Promise<string[]> {
  try {
    const [region = BILLING_API_REGION] = await enabledRegions(clients, accountId, signal);
    await describeInstances(await clients.ec2(region), region, { MaxResults: SMALLEST_PAGE }, signal).next();
    return [];
  } catch (error) {
    if (!(error instanceof DomainError && problemOf(error) === 'missing-permission')) throw error;
    return [`Its instances are not seen: ${error.message}`];
  }
}
