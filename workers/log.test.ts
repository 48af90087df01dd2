import { setTimeout as delay } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import test from 'ava';
import { workersLog } from './log.ts';

test('a line written inside an activity names its workflow, one outside does not', async (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = workersLog('info', { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  const workflowExecution = { workflowId: 'data-source/ds_1', runId: 'run-1' };
  const environment = new MockActivityEnvironment({ workflowExecution, activityType: 'importPeriod', attempt: 3 });
  await environment.run(async () => {
    await delay(0);
    log.warn({ attempt: 9, month: '2026-10' }, 'inside');
  });
  log.info('outside');
  const [inside, outside] = lines;
  t.like(inside, { process: 'workers', workflowId: 'data-source/ds_1', runId: 'run-1', activity: 'importPeriod', month: '2026-10', msg: 'inside' });
  t.is(inside?.attempt, 9, 'what the line itself says stays');
  t.deepEqual(Object.keys(outside ?? {}), ['level', 'time', 'process', 'msg']);
});
