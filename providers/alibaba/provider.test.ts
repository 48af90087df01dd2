import test from 'ava';
import { inspect } from 'node:util';
import { DomainError } from '../../domain/shared/errors.ts';
import { refusal } from '../../tests/helpers/peers/alibaba/refusals.ts';
import { startAlibabaStandIn, type AlibabaStandIn } from '../../tests/helpers/peers/alibaba/stand-in.ts';
import { ALIBABA_ACCOUNT, settingsFor } from '../../tests/helpers/peers/alibaba/world.ts';
import { createAlibabaProvider } from './provider.ts';

const never = new AbortController().signal;
const READS = ['ecs:DescribeRegions', 'ecs:DescribeInstances'];

let standIn: AlibabaStandIn;

test.before(async () => {
  standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT });
});

test.after.always(async () => {
  await standIn?.stop();
});

function provider() {
  return createAlibabaProvider(settingsFor(standIn.url));
}

async function refusalOf(run: Promise<unknown>): Promise<DomainError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test.serial('a check names the account and the user, and asks for no more than reads', async (t) => {
  const key = standIn.createUser({ name: 'reader', allowed: READS });
  const before = standIn.calls.length;
  t.deepEqual(await provider().check({}, key, never), {
    accountId: ALIBABA_ACCOUNT,
    principal: `acs:ram::${ALIBABA_ACCOUNT}:user/reader`,
    warnings: [],
  });
  t.deepEqual(standIn.calls.slice(before).map(({ permission }) => permission), ['sts:GetCallerIdentity', ...READS]);
});

test.serial('a key of the account itself is taken, with a warning', async (t) => {
  const key = standIn.createUser({ name: 'root', allowed: 'everything', isAccount: true });
  const { principal, warnings } = await provider().check({}, key, never);
  t.is(principal, `acs:ram::${ALIBABA_ACCOUNT}:root`);
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /RAM user/);
});

test.serial('a region that the account does not list is told', async (t) => {
  const key = standIn.createUser({ name: 'elsewhere', allowed: READS });
  const { warnings } = await provider().check({ region: 'ap-southeast-3' }, key, never);
  t.deepEqual(warnings, ['The account does not list the region ap-southeast-3: it lists cn-hangzhou, eu-central-1.']);
  t.is(standIn.calls.at(-1)?.parameters.regionId, 'cn-hangzhou');
});

test.serial('an unknown, a disabled and a mismatched key are told apart by the code', async (t) => {
  const key = standIn.createUser({ name: 'wrong', allowed: READS });
  const unknown = await refusalOf(provider().check({}, { ...key, access_key_id: 'LTAI5tNobodyKnowsThis123' }, never));
  t.like(unknown, { code: 'alibaba.bad-credentials', kind: 'invalid-input', details: { cloud_code: 'InvalidAccessKeyId.NotFound', http_status: 404 } });

  standIn.setKeyActive(key.access_key_id, false);
  const disabled = await refusalOf(provider().check({}, key, never));
  t.like(disabled, { code: 'alibaba.bad-credentials', details: { cloud_code: 'InvalidAccessKeyId.Inactive' } });
  t.true(disabled.message.endsWith('(InvalidAccessKeyId.Inactive: Specified access key is disabled.)'));

  standIn.setKeyActive(key.access_key_id, true);
  const mismatched = await refusalOf(provider().check({}, { ...key, access_key_secret: 'x'.repeat(30) }, never));
  t.like(mismatched, { code: 'alibaba.bad-credentials', details: { cloud_code: 'SignatureDoesNotMatch' } });
  t.true(mismatched.message.endsWith('(SignatureDoesNotMatch: Specified signature is not matched with our calculation.)'));
  t.false(inspect(mismatched, { depth: 20, showHidden: true }).includes(key.access_key_id), 'what the gateway repeats is left out');
});

for (const missing of READS) {
  test.serial(`a key without ${missing} is refused at once, by the name of the permission`, async (t) => {
    const key = standIn.createUser({ name: `lacks-${missing}`, allowed: READS.filter((one) => one !== missing) });
    const error = await refusalOf(provider().check({}, key, never));
    t.like(error, { code: 'alibaba.missing-permission', kind: 'not-allowed', details: { cloud_code: 'Forbidden.RAM', permission: missing } });
    t.true(error.message.includes(missing));
  });
}

test.serial('an account in arrears is told as such', async (t) => {
  const key = standIn.createUser({ name: 'poor', allowed: READS });
  standIn.failNext('DescribeInstances', { kind: 'refused', refusal: refusal(400, 'Account.Arrearage', 'Your account has an outstanding payment.') });
  t.like(await refusalOf(provider().check({}, key, never)), { code: 'alibaba.account-disabled', details: { cloud_code: 'Account.Arrearage' } });
});

test.serial('an identity without an account is refused rather than guessed', async (t) => {
  const key = standIn.createUser({ name: 'nobody', allowed: READS });
  standIn.failNext('GetCallerIdentity', { kind: 'odd-answer', body: { IdentityType: 'RAMUser' } });
  t.like(await refusalOf(provider().check({}, key, never)), { code: 'alibaba.rejected', details: { cloud_code: 'NoAccountId' } });
});

test('what is malformed is refused without asking anybody', (t) => {
  const key = { kind: 'access-key', access_key_id: 'LTAI5tAbcdefgh1234567890', access_key_secret: 'x'.repeat(30) } as const;
  const refuse = (connection: { region?: string }, credentials: Parameters<ReturnType<typeof provider>['refuseMalformed']>[1]): string => {
    const error = t.throws(() => provider().refuseMalformed(connection, credentials), { instanceOf: DomainError });
    return `${error.code} ${error.fields.map(({ field }) => field).join()}`;
  };
  t.notThrows(() => provider().refuseMalformed({ region: 'us-west-1' }, key));
  t.is(refuse({}, null), 'data-sources.no-credentials ');
  t.is(refuse({}, { kind: 'default-chain' }), 'alibaba.malformed-key kind');
  t.is(refuse({}, { ...key, access_key_id: 'too-short' }), 'alibaba.malformed-key access_key_id');
  t.is(refuse({}, { ...key, access_key_id: 'STS.NUxxxxxxxxxxxxxxxxxx' }), 'alibaba.malformed-key access_key_id');
  t.is(refuse({}, { ...key, access_key_secret: `${'x'.repeat(30)}\n` }), 'alibaba.malformed-key access_key_secret');
  t.is(refuse({ region: 'evil.example.com/?' }, key), 'alibaba.malformed-region region');
});
