import test from 'ava';
import { inspect } from 'node:util';
import type { AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import type { CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { peerSettings } from '../../tests/helpers/peers/aws-account.ts';
import { refusalXml } from '../../tests/helpers/peers/aws/ec2-xml.ts';
import { serve } from '../../tests/helpers/peers/http-server.ts';
import { createAwsProvider } from './provider.ts';
import type { AwsServiceEndpoints } from './settings.ts';

const never = new AbortController().signal;
const key = { kind: 'key-pair', access_key_id: 'AKIA0123456789ABCDEF', secret_access_key: 'S3cr3t'.repeat(7) } as const;
const ref: InstanceRef = { nativeId: 'i-0123456789abcdef0', regionId: 'eu-central-1', handle: {}, discardLocalSsd: false };

function powerAt(endpoints: Partial<AwsServiceEndpoints>, credentials: AwsCredentials = key): PowerControl {
  const provider = createAwsProvider({ ...peerSettings(endpoints), responseTimeoutMs: 300 });
  return provider.open({ organizationId: 'org_1', dataSourceId: 'ds_1', accountId: '123456789012', connection: {}, credentials }).power;
}

async function refusalOf(power: PowerControl): Promise<DomainError> {
  try {
    await power.stop([ref], 'wish-1', never);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('the stop was accepted');
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, with the messages as EC2 sends them. */
const documented: { code: string; status: number; message: string; problem: CloudProblem; headers?: Record<string, string>; details?: object }[] = [
  {
    code: 'UnauthorizedOperation',
    status: 403,
    message: 'You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmnopqrstuvwxyz',
    problem: 'missing-permission',
    details: { permission: 'ec2:StopInstances', resource: ref.nativeId },
  },
  {
    code: 'UnauthorizedOperation',
    status: 403,
    message:
      'You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/orrery is not authorized to perform: kms:CreateGrant on resource: arn:aws:kms:eu-central-1:123456789012:key/k because no identity-based policy allows the kms:CreateGrant action.',
    problem: 'missing-permission',
    details: { permission: 'kms:CreateGrant' },
  },
  { code: 'AuthFailure', status: 401, message: 'AWS was not able to validate the provided access credentials', problem: 'bad-credentials' },
  { code: 'OptInRequired', status: 401, message: 'You are not subscribed to this service.', problem: 'account-disabled' },
  { code: 'Blocked', status: 403, message: 'This account is currently blocked.', problem: 'account-disabled' },
  { code: 'PendingVerification', status: 400, message: 'Your account is currently being verified.', problem: 'account-disabled' },
  { code: 'InvalidInstanceID.NotFound', status: 400, message: `The instance ID '${ref.nativeId}' does not exist`, problem: 'not-found' },
  { code: 'InvalidInstanceID.Malformed', status: 400, message: 'Invalid id: "x"', problem: 'rejected' },
  { code: 'IncorrectInstanceState', status: 400, message: `The instance '${ref.nativeId}' is not in a state from which it can be stopped.`, problem: 'wrong-state' },
  { code: 'IncorrectSpotRequestState', status: 400, message: 'The Spot Instance request is closed.', problem: 'wrong-state' },
  { code: 'UnsupportedOperation', status: 400, message: `The instance '${ref.nativeId}' does not have an 'ebs' root device type and cannot be stopped.`, problem: 'cannot-stop' },
  { code: 'OperationNotPermitted', status: 400, message: `The instance '${ref.nativeId}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`, problem: 'cannot-stop' },
  { code: 'InsufficientInstanceCapacity', status: 500, message: 'Insufficient capacity.', problem: 'no-capacity' },
  { code: 'InsufficientHostCapacity', status: 500, message: 'Not enough capacity on the host.', problem: 'no-capacity' },
  { code: 'InstanceLimitExceeded', status: 400, message: 'Your quota allows for 0 more running instance(s).', problem: 'quota-exceeded' },
  { code: 'VcpuLimitExceeded', status: 400, message: 'You have requested more vCPU capacity than your limit.', problem: 'quota-exceeded' },
  { code: 'MaxSpotInstanceCountExceeded', status: 400, message: 'Max spot instance count exceeded', problem: 'quota-exceeded' },
  { code: 'RequestLimitExceeded', status: 503, message: 'Request limit exceeded.', problem: 'throttled' },
  { code: 'RequestLimitExceeded', status: 503, message: 'Request limit exceeded.', problem: 'throttled', headers: { 'retry-after': '9' }, details: { retry_after_seconds: 9 } },
  { code: 'Unavailable', status: 503, message: 'The server is overloaded.', problem: 'unavailable' },
  { code: 'InternalError', status: 500, message: 'An internal error has occurred', problem: 'unavailable' },
  { code: 'RequestExpired', status: 400, message: 'Request has expired.', problem: 'unavailable' },
  { code: 'SomethingNew', status: 400, message: 'https://ec2.example/?X-Amz-Signature=deadbeef', problem: 'rejected' },
  { code: 'SomethingNew', status: 507, message: 'no idea', problem: 'unavailable' },
];

for (const [index, { code, status, message, problem, headers = {}, details = {} }] of documented.entries()) {
  test(`EC2's ${code} (${status}, ${index}) is ${problem}`, async (t) => {
    const stub = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/xml', ...headers });
      response.end(refusalXml(code, message));
      return Promise.resolve();
    });
    t.teardown(() => stub.stop());
    const error = await refusalOf(powerAt({ ec2: stub.url }));
    t.is(problemOf(error), problem);
    t.like(error.details, { cloud_code: code, call: 'ec2:StopInstances', http_status: status, ...details });
    t.notRegex(inspect(error, { depth: 20, showHidden: true }), /Signature=|Encoded authorization|S3cr3t/);
  });
}

/** What proxies, load balancers and broken connections make of an answer. */
const broken: { title: string; respond: (end: (status: number, headers: Record<string, string>, body: string) => void, reset: () => void) => void; problem: CloudProblem }[] = [
  { title: 'a page of a proxy with 502', respond: (end) => end(502, { 'content-type': 'text/html' }, '<html>Bad Gateway</html>'), problem: 'unavailable' },
  { title: 'a page of a proxy with 429', respond: (end) => end(429, { 'retry-after': '3' }, 'slow down'), problem: 'throttled' },
  { title: 'an answer that is no XML', respond: (end) => end(200, { 'content-type': 'text/html' }, '<html>Sign in to the hotel'), problem: 'unavailable' },
  { title: 'an answer shorter than promised', respond: (end) => end(200, { 'content-length': '5000' }, '<StopInst'), problem: 'unavailable' },
  { title: 'a connection that breaks', respond: (_end, reset) => reset(), problem: 'unavailable' },
  { title: 'no answer at all', respond: () => undefined, problem: 'unavailable' },
];

for (const { title, respond, problem } of broken) {
  test(`${title} is ${problem}`, async (t) => {
    const stub = await serve((request, response) => {
      respond(
        (status, headers, body) => {
          response.writeHead(status, headers);
          if (headers['content-length'] === undefined) response.end(body);
          else response.write(body, () => request.socket.destroy());
        },
        () => void request.socket.resetAndDestroy(),
      );
      return Promise.resolve();
    });
    t.teardown(() => stub.stop());
    t.is(problemOf(await refusalOf(powerAt({ ec2: stub.url }))), problem);
  });
}

test('what keeps the credentials from being had is told in the common words', async (t) => {
  const sts = await serve((_request, response) => {
    response.writeHead(403, { 'content-type': 'text/xml' });
    const body = '<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/u is not authorized to perform: sts:AssumeRole</Message></Error>';
    response.end(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${body}<RequestId>r</RequestId></ErrorResponse>`);
    return Promise.resolve();
  });
  t.teardown(() => sts.stop());
  const role: AwsCredentials = { kind: 'assumed-role', role_arn: 'arn:aws:iam::123456789012:role/orrery', base: key };
  const refused = await refusalOf(powerAt({ sts: sts.url, ec2: sts.url }, role));
  t.is(problemOf(refused), 'bad-credentials');
  t.regex(refused.message, /role\/orrery cannot be assumed/);
  const unreachable = await refusalOf(powerAt({ sts: 'http://127.0.0.1:9', ec2: 'http://127.0.0.1:9' }, role));
  t.is(problemOf(unreachable), 'unavailable');
});
