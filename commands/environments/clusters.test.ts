import test from 'ava';
import { purgeStep } from '../../db/billing/purge-period.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { book, insertPerson } from '../../tests/helpers/bookings.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { billOwner, costRow, importMonth, resourceRow } from '../../tests/helpers/period-readings.ts';
import { editEnvironment } from './edit-environment.ts';
import { shareResources, unshareResources } from './share-resources.ts';

const by = system('test');
const AT = '2026-11-21T08:00:00.000Z';
const LATER = '2026-11-21T09:00:00.000Z';
const EKS = 'arn:aws:eks:eu-central-1:111122223333:cluster/team';
const AURORA = 'arn:aws:rds:eu-central-1:111122223333:cluster:orders';

/** An organization whose bill has clusters, an instance that discovery does not know, and a bucket. */
async function billed(t: { teardown(end: () => Promise<void>): void }) {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const bill = await billOwner(db);
  const october = {
    resources: [
      resourceRow({ nativeId: EKS, name: '', type: 'eks:cluster', service: 'AmazonEKS' }),
      resourceRow({ nativeId: AURORA, name: 'orders', type: 'rds:cluster', service: 'AmazonRDS' }),
      resourceRow({ nativeId: 'i-1', name: 'web', type: 'ec2:instance' }),
      resourceRow({ nativeId: 'arn:aws:s3:::cluster', name: 'cluster', type: 's3:bucket', service: 'AmazonS3' }),
    ],
    costs: [EKS, AURORA, 'i-1', 'arn:aws:s3:::cluster'].map((nativeId) => costRow({ billed: '1', nativeId, date: '2026-10-01' })),
  };
  await importMonth(db, bill, '2026-10', october);
  const rows = await db('resources').where('organization_id', bill.organizationId).select<{ id: string; native_id: string }[]>('id', 'native_id');
  const idOf = (nativeId: string): string => rows.find((row) => row.native_id === nativeId)?.id ?? '';
  return { db, bill, october, idOf, organizationId: bill.organizationId };
}

test('clusters on a bill are shared, by their name or their cloud id; other resources that only a bill knows are not', async (t) => {
  const { db, organizationId, idOf } = await billed(t);
  const resourceIds = [EKS, AURORA, 'i-1', 'arn:aws:s3:::cluster'].map(idOf);
  const outcomes = await inTransaction(db, (tx) => shareResources(tx, { organizationId, resourceIds }, { at: AT, by }));
  t.deepEqual(outcomes.map((one) => (one.outcome === 'refused' ? one.error.code : one.outcome)), ['shared', 'shared', 'environments.not-shareable', 'environments.not-shareable']);
  const made = await db('environments').orderBy('name').select('name', 'resource_type', 'resource_id');
  t.deepEqual(made.map((row) => ({ ...row })), [
    { name: EKS, resource_type: 'Cluster', resource_id: idOf(EKS) },
    { name: 'orders', resource_type: 'Cluster', resource_id: idOf(AURORA) },
  ]);
});

test('a shared cluster is booked like any environment and is not switched', async (t) => {
  const { db, organizationId, idOf } = await billed(t);
  const [shared] = await inTransaction(db, (tx) => shareResources(tx, { organizationId, resourceIds: [idOf(EKS)] }, { at: AT, by }));
  const environmentId = shared !== undefined && 'environmentId' in shared ? shared.environmentId : '';
  const refused = await t.throwsAsync(inTransaction(db, (tx) => editEnvironment(tx, { organizationId, id: environmentId }, { powerOnBefore: true }, { at: AT, by })), { instanceOf: DomainError });
  t.regex(refused.message, /a cluster is not started or stopped/);
  const booker = await insertPerson(db, organizationId, 'engineer', AT);
  const wish = { organizationId, environmentId, booker, at: AT };
  const { id } = await book(db, { ...wish, since: AT, until: LATER });
  t.is((await t.throwsAsync(book(db, { ...wish, since: AT, until: null }), { instanceOf: DomainError })).code, 'bookings.taken');
  t.is((await db('power_claims')).length, 0);
  const unshared = await inTransaction(db, (tx) => unshareResources(tx, { organizationId, resourceIds: [idOf(EKS)] }, { at: AT, by }));
  t.is(unshared[0]?.outcome, 'unshared');
  t.like(await db('bookings').where({ id }).first('state', 'end_reason'), { state: 'released', end_reason: 'environment-gone' });
});

test('a shared cluster stays when the last bill that names it goes, and is the same one when a bill names it again', async (t) => {
  const { db, bill, october, idOf, organizationId } = await billed(t);
  await inTransaction(db, (tx) => shareResources(tx, { organizationId, resourceIds: [idOf(EKS), idOf(AURORA)] }, { at: AT, by }));
  await inTransaction(db, (tx) => unshareResources(tx, { organizationId, resourceIds: [idOf(AURORA)] }, { at: AT, by }));
  while (!(await inTransaction(db, (tx) => purgeStep(tx, organizationId, bill.dataSourceId, 100))));
  const kept = await db('resources').orderBy('native_id').pluck('native_id');
  t.deepEqual(kept, [EKS, AURORA], 'also that of a deleted environment, whose history names it');
  await importMonth(db, bill, '2026-10', october);
  const again = await db('resources').where('native_id', EKS).pluck('id');
  t.deepEqual(again, [idOf(EKS)]);
});
