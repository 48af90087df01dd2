import test from 'ava';
import type { CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { ramRefusal, refusal, type Refusal } from '../../tests/helpers/peers/alibaba/refusals.ts';
import { startAlibabaStandIn, type AlibabaStandIn } from '../../tests/helpers/peers/alibaba/stand-in.ts';
import { ALIBABA_ACCOUNT, settingsFor } from '../../tests/helpers/peers/alibaba/world.ts';
import { createAlibabaClients, type AlibabaClients } from './clients.ts';
import { callAlibaba } from './errors.ts';

const never = new AbortController().signal;
const CALL = { call: 'ecs:DescribeRegions', resource: ALIBABA_ACCOUNT };

let standIn: AlibabaStandIn;
let clients: AlibabaClients;

test.before(async () => {
  standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT });
  clients = createAlibabaClients(settingsFor(standIn.url), standIn.createUser({ name: 'caller', allowed: 'everything' }));
});

test.after.always(async () => {
  await standIn?.stop();
});

/** What a refusal becomes on its way through the SDK. */
async function explained(refused: Refusal): Promise<DomainError> {
  standIn.failNext('DescribeRegions', { kind: 'refused', refusal: refused });
  const { DescribeRegionsRequest } = await import('@alicloud/ecs20140526');
  try {
    await callAlibaba(CALL, never, async () => (await clients.ecs('cn-hangzhou')).describeRegions(new DescribeRegionsRequest({})));
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const problems: [number, string, CloudProblem][] = [
  [404, 'InvalidAccessKeyId.NotFound', 'bad-credentials'],
  [400, 'InvalidAccessKeyId.Inactive', 'bad-credentials'],
  [400, 'SignatureDoesNotMatch', 'bad-credentials'],
  [400, 'InvalidSecurityToken.Expired', 'bad-credentials'],
  [403, 'Forbidden.RAM', 'missing-permission'],
  [403, 'NoPermission', 'missing-permission'],
  [401, 'InvalidUser.Unauthorized', 'missing-permission'],
  [403, 'InsufficientBalance', 'account-disabled'],
  [403, 'InstanceExpiredOrInArrears', 'account-disabled'],
  [403, 'InvalidAccountStatus.NotEnoughBalance', 'account-disabled'],
  [404, 'InvalidInstanceId.NotFound', 'not-found'],
  [403, 'IncorrectInstanceStatus', 'wrong-state'],
  [403, 'IncorrectInstanceStatus.Initializing', 'wrong-state'],
  [409, 'InvalidOperation.Conflict', 'wrong-state'],
  [403, 'InvalidInstanceId.NotSupport', 'cannot-stop'],
  [403, 'OperationDenied.NoStock', 'no-capacity'],
  [400, 'Invalid.PrivatePoolOptions.NoStock', 'no-capacity'],
  [403, 'QuotaExceed.ElasticQuota', 'quota-exceeded'],
  [403, 'QuotaExceeded', 'quota-exceeded'],
  [400, 'Throttling', 'throttled'],
  [400, 'Throttling.User', 'throttled'],
  [429, 'SomethingNew', 'throttled'],
  [500, 'InternalError', 'unavailable'],
  [503, 'LimitedOperation.ServiceUnavailable', 'unavailable'],
  [500, 'SomethingNew', 'unavailable'],
  [400, 'SignatureNonceUsed', 'unavailable'],
  [400, 'InvalidTimeStamp.Expired', 'unavailable'],
  [404, 'InvalidRegionId.NotFound', 'rejected'],
  [400, 'MissingParameter', 'rejected'],
  [403, 'SomethingNew', 'rejected'],
];

for (const [status, code, problem] of problems) {
  test.serial(`${status} ${code} is ${problem}`, async (t) => {
    const error = await explained(refusal(status, code, 'What the cloud says.'));
    t.is(error.code, `alibaba.${problem}`);
    t.like(error.details, { call: CALL.call, resource: CALL.resource, cloud_code: code, http_status: status });
    t.regex(String(error.details.request_id), /^[0-9A-F-]{36}$/);
    t.true(error.message.endsWith(`(${code}: What the cloud says.)`));
  });
}

test.serial('the permission that RAM looked for is named, or else the call', async (t) => {
  const told = await explained(ramRefusal('ecs:SomethingWithin', ALIBABA_ACCOUNT, 'caller'));
  t.is(told.details.permission, 'ecs:SomethingWithin');
  const untold = await explained(refusal(403, 'Forbidden.RAM', 'User not authorized to operate on the specified resource.'));
  t.is(untold.details.permission, 'ecs:DescribeRegions');
});

test.serial('the wait that throttling asks for is told in seconds, rounded up', async (t) => {
  const throttled = refusal(400, 'Throttling.User', 'Request was denied due to user flow control.');
  t.is((await explained({ ...throttled, headers: { 'x-acs-retry-after': '2001' } })).retryAfterSeconds, 3);
  t.is((await explained(throttled)).retryAfterSeconds, undefined);
  t.is((await explained({ ...throttled, headers: { 'x-acs-retry-after': '0' } })).retryAfterSeconds, undefined);
});

test.serial('neither keys nor addresses within a sentence leave the adapter', async (t) => {
  const { message } = await explained(refusal(400, 'InvalidParameter', 'The key LTAI5tAbcdefgh1234567890 may not call https://ecs.aliyuncs.com/?a=b today.'));
  t.true(message.endsWith('(InvalidParameter: The key (key) may not call (URL) today.)'));
});

test.serial('an answer that is no longer as the SDK knows it is told with the place', async (t) => {
  standIn.failNext('DescribeRegions', { kind: 'odd-answer', body: { Regions: { Region: 'cn-hangzhou' } } });
  const { DescribeRegionsRequest } = await import('@alicloud/ecs20140526');
  const call = callAlibaba(CALL, never, async () => (await clients.ecs('cn-hangzhou')).describeRegions(new DescribeRegionsRequest({})));
  await t.throwsAsync(call, { code: 'alibaba.rejected', message: /region is mismatch, expect array/ });
});
