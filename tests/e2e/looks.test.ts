import { join } from 'node:path';
import test from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import { requestWakeUp } from '../../db/shared/wake-up-store.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { LOOKS_LOCALLY } from '../../workflows/messages.ts';
import { anOrganization, connectDirectory, importOutcome } from '../helpers/connect.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { activitiesOf } from '../helpers/histories.ts';
import { eventually, platform } from '../helpers/platform.ts';

test('a look is part of the workflow’s own task; one that is held up is made again as an activity that an operator sees pending', async (t) => {
  t.timeout(120_000);
  const site = await platform();
  const workers = await site.startWorkers();
  t.teardown(async () => {
    await workers.stop();
    await site.end();
  });
  const organizationId = await anOrganization(site);
  const directory = join(site.directory, 'bill');
  writeHandMadePeriod(directory, '', 'acme', { month: '2026-10', assembly: 'a', rows: [{ day: '2026-10-03', resource: 'i-1', unblended: '1' }] });
  const id = await connectDirectory(site, organizationId, directory);
  await importOutcome(site, organizationId, id);
  const handle = site.client.workflow.getHandle(`data-source/${id}`);
  const atRest = () => eventually(async () => (await handle.describe()).status.name === 'COMPLETED', 'the data source to rest');
  await atRest();
  const looks = async () => (await activitiesOf(handle)).filter(({ type }) => type === 'advance').map(({ local, failed }) => `${local ? 'local' : 'queued'}${failed ? ' failed' : ''}`);
  t.deepEqual([...new Set(await looks())], ['local']);
  t.is((await handle.describe()).memo?.[LOOKS_LOCALLY.key], LOOKS_LOCALLY.value);

  await inTransaction(site.db, async (tx) => {
    await tx('data_sources').where({ id }).forUpdate().first('id');
    await inTransaction(site.db, (other) => requestWakeUp(other, { kind: 'data-source', entityId: id, organizationId }, systemClock.now()));
    await eventually(async () => (await handle.describe()).raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'advance'), 'the look to be pending');
  });
  await atRest();
  t.deepEqual(await looks(), ['local failed', 'queued']);
});
