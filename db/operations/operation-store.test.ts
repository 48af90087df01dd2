import test from 'ava';
import { newId } from '../../commands/shared/new-id.ts';
import { startTestApi, type TestApi } from '../../tests/helpers/api.ts';
import { inTransaction } from '../shared/transaction.ts';
import { finishOperation, getOperation, insertOperation, markOperationRunning, updateOperationProgress } from './operation-store.ts';

async function pending(api: TestApi) {
  const organizationId = await api.organization();
  const id = newId('operation');
  const row = { id, organizationId, kind: 'billing.import', subjectId: 'imp_1', workflowId: 'data-source/ds_1', createdAt: api.clock.now() };
  return await inTransaction(api.db, (tx) => insertOperation(tx, row));
}

test('an operation runs, progresses, ends once, and is read by the members of its organization', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const { id, organizationId } = await pending(api);
  const at = '2026-11-21T07:00:00.000Z';
  await markOperationRunning(api.db, organizationId, id, at);
  t.true(await updateOperationProgress(api.db, organizationId, id, { files: 1 }, at));
  t.true(await finishOperation(api.db, organizationId, id, { state: 'completed', result: { rows: 3 } }, at));
  t.false(await updateOperationProgress(api.db, organizationId, id, { files: 9 }, at));
  t.false(await finishOperation(api.db, organizationId, id, { state: 'failed', error: { code: 'x', kind: 'conflict', message: 'x' } }, at));
  await markOperationRunning(api.db, organizationId, id, at);
  const { token } = await api.member(organizationId, 'member');
  const { body } = await api.call(`/v1/operations/${id}`, { token });
  t.deepEqual([body.state, body.progress, body.result, body.error, body.done_at], ['completed', { files: 1 }, { rows: 3 }, null, at]);
  const listed = await api.call(`/v1/organizations/${organizationId}/operations?state=completed&kind=billing.import`, { token });
  t.deepEqual([listed.body.total, listed.body.items], [1, [body]]);
  t.is((await api.call(`/v1/organizations/${organizationId}/operations?state=failed`, { token })).body.total, 0);
});

test('what another organization names is not touched', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const { id, organizationId } = await pending(api);
  const stranger = await api.organization();
  t.false(await finishOperation(api.db, stranger, id, { state: 'cancelled' }, api.clock.now()));
  t.is(await getOperation(api.db, stranger, id), null);
  t.is((await getOperation(api.db, organizationId, id))?.state, 'pending');
});
