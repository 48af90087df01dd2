import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import pino from 'pino';
import { startApi, type RunningApi } from '../../api/main.ts';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { startWorkers } from '../../workers/main.ts';
import { testEnvironment } from '../helpers/environment.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { awsAccount, type AwsAccount } from '../helpers/peers/aws-account.ts';
import { startDeniedEc2 } from '../helpers/peers/aws/ec2-denied.ts';
import { startMoto, type MotoPeer } from '../helpers/peers/moto.ts';
import type { Peer } from '../helpers/peers/peer.ts';
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

test('a bill in S3 is imported with signatures and rights checked, and its secret is in no table, history or log', async (t) => {
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
