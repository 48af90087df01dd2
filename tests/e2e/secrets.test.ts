import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import test from 'ava';
import pino from 'pino';
import { startApi, type RunningApi } from '../../api/main.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { startWorkers } from '../../workers/main.ts';
import { testEnvironment } from '../helpers/environment.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { awsAccount, EVERYTHING, type AwsAccount } from '../helpers/peers/aws-account.ts';
import { startDeniedEc2 } from '../helpers/peers/aws/ec2-denied.ts';
import { MOTO_SETUP_KEY, startMoto, type MotoPeer } from '../helpers/peers/moto.ts';
import type { Peer } from '../helpers/peers/peer.ts';
import { runOrrery } from '../helpers/orrery-command.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { databaseText, formsOf, historyText } from '../helpers/secret-places.ts';

let site: Platform;
let moto: MotoPeer;
let ec2: Peer;
let aws: AwsAccount;
let api: RunningApi;
let workers: { stop(): Promise<void> };
let token: string;
const written: string[] = [];

test.before(async () => {
  moto = await startMoto();
  aws = awsAccount(moto.url);
  ec2 = await startDeniedEc2();
  site = await platform((config) => ({ ...config, awsEndpoints: { s3: moto.url, sts: moto.url, costAndUsageReport: moto.url, dataExports: moto.url, ec2: ec2.url } }));
  const log = pino({ level: 'trace' }, { write: (line) => void written.push(line) });
  workers = await startWorkers(site.config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } });
  api = await startApi(site.config, log);
  token = (await bootstrapAdministrator(site.db, systemClock, { withSample: false })).token ?? '';
});
test.after.always(async () => {
  await api?.stop();
  await workers?.stop();
  await site?.end();
  await moto?.stop();
  await ec2?.stop();
});

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test.serial('a bill in S3 is imported with signatures and rights checked, and its secret is in no table, history or log', async (t) => {
  await aws.createBucket('acme-bills', 'eu-west-1');
  writeHandMadePeriod(site.directory, 'cur', 'acme', {
    month: '2026-10',
    assembly: 'a',
    rows: [
      { day: '2026-10-03', resource: 'i-1', unblended: '12.3456789012' },
      { day: '2026-10-04', resource: 'i-2', unblended: '0.0000000001' },
    ],
  });
  const folder = 'cur/acme/20261001-20261101';
  for (const key of [`${folder}/acme-Manifest.json`, `${folder}/a/acme-00001.csv.gz`]) {
    await aws.putObject('acme-bills', key, readFileSync(join(site.directory, key)));
  }
  const organizations = await call('GET', '/v1/organizations');
  const [{ id: organizationId }] = organizations.body.items as [{ id: string }];
  const policy = await call('GET', `/v1/organizations/${organizationId}/data-sources:policy?scheme=bucket-only&bucket=acme-bills&prefix=cur`);
  t.is(policy.status, 200);
  const key = await aws.createUser('reader', policy.body as never);
  await moto.enforceAuth();
  const wrong = 'wrongwrongwrongwrongwrongwrongwrongwrong';
  const request = (secret: string): object => ({
    name: 'Acme',
    credentials: { kind: 'key-pair', access_key_id: key.access_key_id, secret_access_key: secret },
    export: { scheme: 'bucket-only', bucket: 'acme-bills', prefix: 'cur', region: 'eu-west-1' },
  });
  const refused = await call('POST', `/v1/organizations/${organizationId}/data-sources`, request(wrong));
  t.is(refused.body.code, 'aws.wrong-secret', JSON.stringify(refused.body));
  t.is((await call('GET', `/v1/organizations/${organizationId}/data-sources`)).body.total, 0);

  const connected = await call('POST', `/v1/organizations/${organizationId}/data-sources`, request(key.secret_access_key));
  t.is(connected.status, 201, JSON.stringify(connected.body));
  t.regex((connected.body.warnings as string[]).join(), /instances are not seen: .*ec2:DescribeRegions/);
  const source = await eventually(async () => {
    const { body } = await call('GET', `/v1/data-sources/${connected.body.id as string}`);
    return body.running_import === null && body.waiting_import === null ? body : null;
  }, 'the import');
  t.is(source.last_error, null, JSON.stringify(source.last_error));
  const expenses = await call('GET', `/v1/organizations/${organizationId}/expenses?start=2026-10-01&end=2026-11-01&group_by=service`);
  t.true(JSON.stringify(expenses.body).includes('12.3456789013'), JSON.stringify(expenses.body).slice(0, 1000));

  t.is((await site.db('pending_secrets')).length, 0);
  t.true(written.length > 20);
  const places = { database: await databaseText(site), histories: await historyText(site), logs: written.join('\n') };
  for (const [place, text] of Object.entries(places)) {
    t.true(text.length > 1000, `${place} was read`);
    for (const form of [wrong, key.secret_access_key].flatMap(formsOf)) t.false(text.includes(form), `${place} holds a secret`);
    t.true(text.includes(organizationId), `${place} is the right one`);
  }
});

/** Keys as single sign-on hands them out, which are refused without their session token. */
async function temporaryKeys(): Promise<Record<string, string>> {
  return await moto.unchecked(async () => {
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] };
    const RoleArn = await aws.createRole('reader-role', trust, EVERYTHING);
    const sts = new STSClient({ endpoint: moto.url, region: 'us-east-1', credentials: MOTO_SETUP_KEY });
    const { Credentials: keys } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'person' }));
    return { AWS_ACCESS_KEY_ID: keys?.AccessKeyId ?? '', AWS_SECRET_ACCESS_KEY: keys?.SecretAccessKey ?? '', AWS_SESSION_TOKEN: keys?.SessionToken ?? '' };
  });
}

test.serial('the command imports a bucket twice with temporary keys: the second time it knows the data source', async (t) => {
  const organization = await call('POST', '/v1/organizations', { name: 'By command' });
  const environment = { ORRERY_URL: api.url, ORRERY_TOKEN: token, ...(await temporaryKeys()) };
  const importAgain = (place: string, ...flags: string[]) => runOrrery(['import', place, ...flags, '--key-pair', '-o', String(organization.body.id)], environment, site.directory);
  const first = await importAgain('s3://acme-bills');
  t.is(first.code, 0, first.error);
  t.regex(first.out, /^Connected data source acme-bills \(ds_/m);
  t.regex(first.out, /Read 2 rows of 1 file, billed 12\.3456789013 USD\.\n$/);
  for (const place of ['s3://acme-bills', 's3://acme-bills/cur', 's3://acme-bills/cur/acme/']) {
    const again = await importAgain(place, '--report', 'acme');
    t.is(again.code, 0, `${place}: ${again.error}`);
    t.regex(again.out, /^Using data source acme-bills \(ds_[^]*Nothing had changed\.\n$/m, place);
  }
  t.regex((await importAgain('s3://acme-bills')).out, /^Using data source acme-bills/m);
  const elsewhere = await importAgain('s3://acme-bills/cu/other');
  t.is(elsewhere.code, 1, elsewhere.out);
  t.regex(elsewhere.error, /\(data-sources\.export-not-found\)/);
});
