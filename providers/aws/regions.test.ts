import test from 'ava';
import type { AwsKeyPair } from '../../domain/data-sources/aws-credentials.ts';
import type { AwsExportRequest } from '../../domain/data-sources/aws-connection.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { awsAccount, peerSettings } from '../../tests/helpers/peers/aws-account.ts';
import { startDataExportsStandIn, type DataExportsStandIn } from '../../tests/helpers/peers/data-exports-stand-in.ts';
import { MOTO_ACCOUNT, MOTO_SETUP_KEY, startMoto, type MotoPeer } from '../../tests/helpers/peers/moto.ts';
import { startRegionGate } from '../../tests/helpers/peers/region-gate.ts';
import type { Peer } from '../../tests/helpers/peers/peer.ts';
import { createAwsConnectionChecker } from './connection-checker.ts';

const signal = new AbortController().signal;
// Signatures are checked elsewhere; the gate changes the Host header they cover.
const key: AwsKeyPair = { kind: 'key-pair', access_key_id: MOTO_SETUP_KEY.accessKeyId, secret_access_key: MOTO_SETUP_KEY.secretAccessKey };

let moto: MotoPeer;
let gate: Peer;
let dataExports: DataExportsStandIn;

test.before(async () => {
  moto = await startMoto();
  gate = await startRegionGate(moto.url, { 'in-ireland': 'eu-west-1' });
  dataExports = await startDataExportsStandIn({ accountId: MOTO_ACCOUNT });
  const account = awsAccount(moto.url);
  await account.createBucket('in-ireland', 'eu-west-1');
  await account.putObject('in-ireland', 'cur/acme/20260301-20260401/acme-1.csv', 'identity/LineItemId\n');
});

test.after.always(async () => {
  await Promise.all([gate?.stop(), moto?.stop(), dataExports?.stop()]);
});

function check(wanted: AwsExportRequest) {
  const aws = peerSettings({ s3: gate.url, sts: moto.url, dataExports: dataExports.url });
  return createAwsConnectionChecker({ aws, allowedRoots: [] }).check({ kind: 'root', export: wanted }, key, signal);
}

const bucketOnly: AwsExportRequest = { scheme: 'bucket-only', dialect: 'cur', name: 'acme', bucket: 'in-ireland', prefix: 'cur', region: null };

test("without a region the bucket's own is found and saved", async (t) => {
  t.is((await check(bucketOnly)).export?.region, 'eu-west-1');
});

test('a wrong region is refused with the right one', async (t) => {
  const error = await t.throwsAsync(check({ ...bucketOnly, region: 'us-west-2' }), { instanceOf: DomainError, code: 'aws.wrong-region' });
  t.is(error?.details.region, 'eu-west-1');
  t.regex(error?.message ?? '', /lies in eu-west-1/);
});

test('an existing bucket elsewhere is used where it lies when an export is created', async (t) => {
  const checked = await check({ scheme: 'create', dialect: 'cur2', name: 'new', bucket: 'in-ireland', prefix: 'cur2', region: 'us-east-1' });
  t.is(checked.export?.region, 'eu-west-1');
  t.is(dataExports.exports.get('new')?.definition.DestinationConfigurations?.S3Destination?.S3Region, 'eu-west-1');
  t.regex(checked.warnings.join(), /exists in eu-west-1 and is used there, not in us-east-1/);
});
