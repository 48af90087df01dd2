import { refuseMalformedRequest, type AwsConnectionRequest, type AwsExportRequest } from '../../domain/data-sources/aws-connection.ts';
import { refuseMalformedCredentials, type AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import type { CloudCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import type { CloudConnection } from '../../domain/data-sources/cloud-ports.ts';
import type { RequestedConnection } from '../../domain/data-sources/credential-check.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { readKeyFile } from '../../domain/data-sources/gcp-key-file.ts';
import { DomainError, invalidField } from '../../domain/shared/errors.ts';
import type { Cloud } from '../../domain/resources/instance.ts';
import type { ApiDependencies } from '../shared/dependencies.ts';
import type { AnyCredentials, ConnectBody, ReconnectBody } from './connection-schemas.ts';

/** What a request wants to connect, its form checked; the credentials beside it, for they are sealed. */
export interface Requested {
  wish: RequestedConnection;
  credentials: CloudCredentials | null;
}

/** Reads a request for a new connection. Refuses by field what is wrong by its form alone; no cloud is asked. */
export function requestedConnection(clouds: ApiDependencies['clouds'], body: ConnectBody): Requested {
  switch (body.cloud) {
    case 'aws':
      return awsRequest(body.kind, body.export, body.credentials);
    case 'azure':
      return checked(clouds, body.cloud, { account: body.subscription_id }, body.credentials);
    case 'gcp':
      return checked(clouds, body.cloud, { account: body.project_id }, body.credentials);
    case 'alibaba':
      return checked(clouds, body.cloud, { region: body.region }, body.credentials);
    case 'sandbox':
      return checked(clouds, body.cloud, { account: body.account }, undefined);
  }
}

/** Reads a request for other credentials or settings of a data source; what it leaves out stays as it is, credentials excepted. */
export function requestedReconnection(clouds: ApiDependencies['clouds'], source: DataSource, body: ReconnectBody): Requested {
  if (source.cloud === 'aws') {
    if (body.region !== undefined) throw misplaced('region', 'only an Alibaba Cloud account has a region of its own');
    const credentials = ofCloud(body.credentials, ['key-pair', 'assumed-role', 'default-chain']);
    return awsRequest(source.kind === 'linked' ? 'linked' : 'root', body.export ?? exportOf(source), credentials as AwsCredentials | undefined);
  }
  if (body.export !== undefined) throw misplaced('export', 'bills of this cloud are not read yet');
  if (body.region !== undefined && source.cloud !== 'alibaba') throw misplaced('region', 'only an Alibaba Cloud account has a region of its own');
  const connection = { ...source.connection, ...(body.region !== undefined && { region: body.region }) };
  return checked(clouds, source.cloud, connection, ofCloud(body.credentials, KINDS[source.cloud]));
}

/** How accounts of a cloud can be reached. */
const KINDS: Record<Exclude<Cloud, 'aws'>, readonly AnyCredentials['kind'][]> = {
  azure: ['client-secret', 'default-chain'],
  gcp: ['service-account-key', 'default-chain'],
  alibaba: ['access-key'],
  sandbox: [],
};

function ofCloud(credentials: AnyCredentials | undefined, kinds: readonly string[]): AnyCredentials | undefined {
  if (credentials === undefined || kinds.includes(credentials.kind)) return credentials;
  if (kinds.length === 0) throw misplaced('credentials', 'this cloud asks for none');
  throw invalidField('data-sources.malformed', 'credentials.kind', `must be ${kinds.join(' or ')} for this cloud.`);
}

function misplaced(field: string, why: string): DomainError {
  return invalidField('data-sources.malformed', field, `does not belong here: ${why}. Leave it out.`);
}

/** The provider knows the forms of its cloud; the field it names becomes the request's own. */
function checked(clouds: ApiDependencies['clouds'], cloud: Exclude<Cloud, 'aws'>, given: CloudConnection, sent: AnyCredentials | undefined): Requested {
  const key = sent?.kind === 'service-account-key' ? readKeyFile(sent.key) : null;
  const credentials = sent?.kind === 'service-account-key' ? (key?.credentials ?? null) : (sent ?? null);
  const connection = withoutUndefined({ ...given, account: given.account ?? key?.projectId ?? undefined });
  try {
    clouds[cloud].refuseMalformed(connection, credentials);
  } catch (error) {
    throw error instanceof DomainError ? asRequested(cloud, error) : error;
  }
  return { wish: { cloud, connection }, credentials };
}

function withoutUndefined(connection: CloudConnection): CloudConnection {
  return Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== undefined));
}

const ACCOUNT_FIELDS: Partial<Record<Cloud, string>> = { azure: 'subscription_id', gcp: 'project_id' };

function asRequested(cloud: Cloud, error: DomainError): DomainError {
  const nameOf = (field: string): string => {
    const last = field.replace(/^connection\./, '');
    return last === 'account' ? (ACCOUNT_FIELDS[cloud] ?? last) : last;
  };
  const fields = error.fields.map(({ field, problem }) => ({ field: nameOf(field), problem }));
  const message = fields.length === 0 ? error.message : fields.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
  return new DomainError({ kind: error.kind, code: error.code, message, fields, details: error.details });
}

function awsRequest(kind: 'root' | 'linked', wanted: AwsExportRequest | undefined, credentials: AwsCredentials | undefined): Requested {
  const connection = awsConnection(kind, wanted);
  if (credentials !== undefined) refuseMalformedCredentials(credentials);
  else if (connection.kind !== 'root' || connection.export.scheme !== 'directory') {
    throw invalidField('data-sources.malformed', 'credentials', 'is missing: give a key pair, a role, or {"kind":"default-chain"}');
  }
  return { wish: { cloud: 'aws', connection }, credentials: credentials ?? null };
}

function awsConnection(kind: 'root' | 'linked', wanted: AwsExportRequest | undefined): AwsConnectionRequest {
  if (kind === 'linked') {
    if (wanted !== undefined) {
      throw invalidField('data-sources.malformed', 'export', 'a linked account has no bill of its own: leave it out, or connect the account as root');
    }
    return { kind };
  }
  if (wanted === undefined) {
    throw invalidField('data-sources.malformed', 'export', 'is missing: say where the bill lies, for example {"scheme":"adopt"}');
  }
  const request: AwsConnectionRequest = { kind, export: wanted };
  refuseMalformedRequest(request);
  return request;
}

/** The request that leads to the settings a data source has now. */
function exportOf(source: DataSource): AwsExportRequest | undefined {
  const settings = source.export;
  if (settings === null) return undefined;
  const { dialect, name, prefix, region } = settings;
  if (settings.scheme === 'directory') return { scheme: 'directory', dialect, name, prefix, path: settings.path ?? '' };
  return { scheme: 'bucket-only', dialect, name, prefix, region, bucket: settings.bucket ?? '' };
}
