import test from 'ava';
import { inspect } from 'node:util';
import type { AwsCredentials, AwsKeyPair } from '../../domain/data-sources/aws-credentials.ts';
import type { AwsExportRequest } from '../../domain/data-sources/aws-connection.ts';
import { DomainError, toErrorRecord } from '../../domain/shared/errors.ts';
import { awsAccount, EVERYTHING, peerSettings, type AwsAccount } from '../../tests/helpers/peers/aws-account.ts';
import { startDataExportsStandIn, type DataExportsStandIn } from '../../tests/helpers/peers/data-exports-stand-in.ts';
import { startFaultProxy } from '../../tests/helpers/peers/fault-proxy.ts';
import { serve } from '../../tests/helpers/peers/http-server.ts';
import { MOTO_ACCOUNT, startMoto, type MotoPeer } from '../../tests/helpers/peers/moto.ts';
import { createAwsConnectionChecker } from './connection-checker.ts';
import type { AwsServiceEndpoints } from './settings.ts';

const signal = new AbortController().signal;

// Serial throughout: some tests switch moto's checks off for a moment.
let moto: MotoPeer;
let dataExports: DataExportsStandIn;
let account: AwsAccount;
let admin: AwsKeyPair;

test.before(async () => {
  [moto, dataExports] = await Promise.all([
    startMoto(),
    startDataExportsStandIn({ accountId: MOTO_ACCOUNT, denied: ['bcm-data-exports:ListExports'] }),
  ]);
  account = awsAccount(moto.url);
  admin = await account.createUser('admin');
  await account.createBucket('acme-bills');
  await account.putObject('acme-bills', 'cur/acme/20260301-20260401/acme-1.csv', 'identity/LineItemId\n');
  await moto.enforceAuth();
});

test.after.always(async () => {
  await Promise.all([moto?.stop(), dataExports?.stop()]);
});

const bucketOnly: AwsExportRequest = { scheme: 'bucket-only', dialect: 'cur', name: 'acme', bucket: 'acme-bills', prefix: 'cur', region: 'us-east-1' };

async function refusalOf(
  credentials: AwsCredentials,
  wanted: AwsExportRequest = bucketOnly,
  endpoints: Partial<AwsServiceEndpoints> = {},
): Promise<DomainError> {
  const aws = peerSettings({ s3: moto.url, sts: moto.url, dataExports: dataExports.url, ...endpoints });
  try {
    await createAwsConnectionChecker({ aws, allowedRoots: [] }).check({ kind: 'root', export: wanted }, credentials, signal);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('the check succeeded');
}

test.serial('an unknown key, and a secret that belongs to another, are told apart', async (t) => {
  const unknown = await refusalOf({ ...admin, access_key_id: 'AKIANOSUCHKEYNOSUCH0' });
  t.is(unknown.code, 'aws.wrong-key');
  t.is(unknown.details.aws_code, 'InvalidClientTokenId');
  const wrong = await refusalOf({ ...admin, secret_access_key: 'x'.repeat(40) });
  t.is(wrong.code, 'aws.wrong-secret');
  t.is(wrong.kind, 'invalid-input');
});

test.serial('a missing permission is named with its action and its resource', async (t) => {
  const policy = { Version: '2012-10-17' as const, Statement: [{ Effect: 'Allow' as const, Action: 's3:ListBucket', Resource: '*' }] };
  const reader = await moto.unchecked(() => account.createUser('list-only', policy));
  const read = await refusalOf(reader);
  t.is(read.code, 'aws.missing-permission');
  t.is(read.details.action, 's3:GetObject');
  t.is(read.details.resource, 'arn:aws:s3:::acme-bills/cur/acme/20260301-20260401/acme-1.csv');
  t.regex(read.message, /may not perform s3:GetObject on arn:aws:s3:::acme-bills\/cur\/acme/);
  await moto.unchecked(() => account.setUserPolicy('list-only', { ...policy, Statement: [{ ...policy.Statement[0]!, Action: 's3:GetObject' }] }));
  const list = await refusalOf(reader);
  t.is(list.details.action, 's3:ListBucket');
  t.is(list.details.resource, 'arn:aws:s3:::acme-bills');
  const api = await refusalOf(admin, { scheme: 'adopt', dialect: 'cur2', name: null, bucket: null });
  t.is(api.code, 'aws.missing-permission');
  t.is(api.details.action, 'bcm-data-exports:ListExports');
  t.is(api.details.resource, `arn:aws:bcm-data-exports:us-east-1:${MOTO_ACCOUNT}:export/*`, 'as AWS names it, not as we asked');
});

test.serial('the billing API names an unknown key its own way', async (t) => {
  const strict = await startDataExportsStandIn({ accountId: MOTO_ACCOUNT, accessKeyIds: [] });
  const error = await refusalOf(admin, { scheme: 'adopt', dialect: 'cur2', name: null, bucket: null }, { dataExports: strict.url });
  await strict.stop();
  t.is(error.code, 'aws.wrong-key');
  t.is(error.details.aws_code, 'UnrecognizedClientException');
});

test.serial('a missing bucket is named', async (t) => {
  const error = await refusalOf(admin, { ...bucketOnly, bucket: 'no-such-bucket' });
  t.is(error.code, 'aws.missing-bucket');
  t.regex(error.message, /no-such-bucket/);
});

test.serial('a role that does not exist, and a base without the right to assume it', async (t) => {
  const roleArn = `arn:aws:iam::${MOTO_ACCOUNT}:role/none`;
  const nobody = await moto.unchecked(() => account.createUser('nobody', { ...EVERYTHING, Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] }));
  const refused = await refusalOf({ kind: 'assumed-role', role_arn: roleArn, base: nobody });
  t.is(refused.code, 'aws.role-not-assumable');
  t.is(refused.details.role_arn, roleArn);
  const wrongBase = await refusalOf({ kind: 'assumed-role', role_arn: roleArn, base: { ...admin, secret_access_key: 'y'.repeat(40) } });
  t.is(wrongBase.code, 'aws.wrong-secret', "the base's fault is not the role's");
});

test.serial('nothing answering is unreachable and worth another try', async (t) => {
  const closed = await serve(() => Promise.resolve());
  await closed.stop();
  const error = await refusalOf(admin, bucketOnly, { sts: closed.url });
  t.is(error.code, 'aws.unreachable');
  t.is(error.kind, 'unavailable');
  t.is(error.details.reason, 'ECONNREFUSED');
  const proxy = await startFaultProxy(moto.url, { seed: 1, rates: { reset: 1 } });
  t.is((await refusalOf(admin, bucketOnly, { sts: proxy.url })).code, 'aws.unreachable');
  await proxy.stop();
});

interface Documented {
  title: string;
  status: number;
  headers: Record<string, string>;
  body: string;
  code: string;
  details?: Record<string, unknown>;
  message?: RegExp;
}

const s3Error = (code: string, message: string, more = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>R1</RequestId></Error>`;

/** Refusals that moto does not give, in the forms of "Error responses" of the S3 API reference. */
const documented: Documented[] = [
  {
    title: 'a bucket elsewhere, by a redirect with the region in a header',
    status: 301,
    headers: { 'x-amz-bucket-region': 'eu-west-1' },
    body: s3Error('PermanentRedirect', 'The bucket you are attempting to access must be addressed using the specified endpoint.'),
    code: 'aws.wrong-region',
    details: { region: 'eu-west-1', bucket: 'acme-bills' },
    message: /lies in eu-west-1/,
  },
  {
    title: 'a bucket elsewhere, by a refused signature with the region in the body',
    status: 400,
    headers: {},
    body: s3Error('AuthorizationHeaderMalformed', "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'", '<Region>eu-central-1</Region>'),
    code: 'aws.wrong-region',
    details: { region: 'eu-central-1' },
  },
  {
    title: 'an expired session token',
    status: 400,
    headers: {},
    body: s3Error('ExpiredToken', 'The provided token has expired.'),
    code: 'aws.expired-token',
  },
  {
    title: 'a clock that is wrong',
    status: 403,
    headers: {},
    body: s3Error('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'),
    code: 'aws.clock-skewed',
  },
  {
    title: 'a missing permission in the long form, with a key that we did not ask for',
    status: 403,
    headers: {},
    body: s3Error(
      'AccessDenied',
      'User: arn:aws:iam::123456789012:user/x is not authorized to perform: kms:Decrypt on resource: "arn:aws:kms:us-east-1:123456789012:key/k" because no identity-based policy allows the kms:Decrypt action',
    ),
    code: 'aws.missing-permission',
    details: { action: 'kms:Decrypt', resource: 'arn:aws:kms:us-east-1:123456789012:key/k' },
  },
  {
    title: 'too many requests, with the time to wait',
    status: 503,
    headers: { 'retry-after': '7' },
    body: s3Error('SlowDown', 'Please reduce your request rate.'),
    code: 'aws.throttled',
  },
  {
    title: 'a code that nobody knows',
    status: 418,
    headers: {},
    body: s3Error('Teapot', 'https://bucket/?X-Amz-Signature=deadbeef'),
    code: 'aws.unexpected',
  },
];

for (const reply of documented) {
  test.serial(`S3's refusal is explained: ${reply.title}`, async (t) => {
    const stub = await serve((_request, response) => {
      response.writeHead(reply.status, { 'content-type': 'application/xml', ...reply.headers });
      response.end(reply.body);
      return Promise.resolve();
    });
    const error = await refusalOf(admin, bucketOnly, { s3: stub.url });
    await stub.stop();
    t.is(error.code, reply.code);
    t.like(error.details, reply.details ?? { action: 's3:ListBucket' });
    t.regex(error.message, reply.message ?? /./);
    t.is(error.retryAfterSeconds, reply.headers['retry-after'] === undefined ? undefined : 7);
    t.notRegex(JSON.stringify(toErrorRecord(error)), /Signature/);
  });
}

test.serial("STS's expired token, in STS's own form", async (t) => {
  const stub = await serve((_request, response) => {
    response.writeHead(403, { 'content-type': 'text/xml' });
    const body = '<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error>';
    response.end(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${body}<RequestId>r</RequestId></ErrorResponse>`);
    return Promise.resolve();
  });
  t.is((await refusalOf({ ...admin, session_token: 'old' }, bucketOnly, { sts: stub.url })).code, 'aws.expired-token');
  await stub.stop();
});

test.serial('no error carries the secret, the signature or the headers of the request', async (t) => {
  const secret = 'Zq7'.repeat(13) + 'Z';
  const errors = [
    await refusalOf({ ...admin, secret_access_key: secret }),
    await refusalOf({ ...admin, access_key_id: 'AKIANOSUCHKEYNOSUCH0', secret_access_key: secret }),
    await refusalOf({ kind: 'assumed-role', role_arn: `arn:aws:iam::${MOTO_ACCOUNT}:role/none`, base: { ...admin, secret_access_key: secret } }),
  ];
  for (const error of errors) {
    const everything = inspect(error, { depth: 20, showHidden: true });
    t.false(everything.includes(secret));
    t.notRegex(everything, /Signature=|authorization/i);
    t.is(error.cause, undefined);
  }
});
