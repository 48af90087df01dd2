import test from 'ava';
import { systemClock } from '../../workers/dependencies.ts';
import { aReviewer, applying } from '../helpers/applications.ts';
import { anOrganization } from '../helpers/connect.ts';
import { actionsOf, recordHistory, replay } from '../helpers/histories.ts';
import { eventually, platform } from '../helpers/platform.ts';

test('a review that is handed on and approved takes eight actions, and its history replays', async (t) => {
  const site = await platform();
  const workers = await site.startWorkers();
  t.teardown(async () => {
    await workers.stop();
    await site.end();
  });
  const { db } = site;
  const organizationId = await anOrganization(site);
  const now = systemClock.now();
  const [boss, ada] = [await aReviewer(db, organizationId, 'manager', now), await aReviewer(db, organizationId, 'engineer', now)];
  const { project, delegate, approve } = applying(db, organizationId);
  const { id } = await project(ada, now);
  const workflowId = `application/${id}`;
  const handle = site.client.workflow.getHandle(workflowId);
  await eventually(async () => (await handle.fetchHistory()).events?.some((event) => event.timerStartedEventAttributes), 'it to wait');
  // Handing it on moves no deadline, so it wakes nothing.
  await delegate(boss, systemClock.now(), id, boss.userId);
  await approve(boss, systemClock.now(), id);
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', `${workflowId} to end`);
  t.regex(String(await handle.result()), /approved/);
  const history = await handle.fetchHistory();
  await replay(history, workflowId);
  recordHistory('application', history);
  t.true(actionsOf(history) <= 8, `${actionsOf(history)}`);
});
