import test from 'ava';
import type { Connection } from '@temporalio/client';
import { requestWakeUp } from '../../db/shared/wake-up-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { entities, outboundDependencies, systemClock } from '../../workers/dependencies.ts';
import { ensureNamespace } from '../../workers/namespace.ts';
import { relayOnce, wakeThrough } from '../../workers/relay.ts';
import { startQueueWorkers } from '../../workers/runtime.ts';
import { connectWorkers } from '../../workers/temporal-connection.ts';
import { anOrganization } from '../helpers/connect.ts';
import { testEnvironment } from '../helpers/environment.ts';
import { heldDependencies, hold } from '../helpers/held-workers.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';

let site: Platform;
test.before(async () => {
  site = await platform();
  const { namespace } = site.config.temporal;
  const workflowExecutionRetentionPeriod = { seconds: 86_400 as never };
  await site.connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
});
test.after.always(() => site?.end());

/** The connection of an API key that may use a namespace and not administer it: Temporal Cloud answers PERMISSION_DENIED. */
function ofApiKey(connection: Connection): Connection {
  const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error('7 PERMISSION_DENIED: Request unauthorized.'), { code: 7 }));
  const operatorService = { listSearchAttributes: refuse, addSearchAttributes: refuse };
  return { workflowService: connection.workflowService, operatorService } as unknown as Connection;
}

test('a namespace whose search attributes we may not look at is used as it is', async (t) => {
  t.is(await ensureNamespace(ofApiKey(site.connection), site.config.temporal.namespace), 'withheld');
});

test('where search attributes are missing and stay missing, workflows start, run and end without them', async (t) => {
  const organizationId = await anOrganization(site);
  const id = 'ds_00000000000000000000000001';
  await inTransaction(site.db, (tx) => requestWakeUp(tx, { kind: 'data-source', entityId: id, organizationId }, systemClock.now()));
  const wake = wakeThrough(site.client, 'entities');
  let ahead = 0;
  const clock = { now: () => plusMilliseconds(systemClock.now(), ahead) };
  const attempts = async (): Promise<number | undefined> => (await site.db('wake_ups').first('attempts'))?.attempts;
  await eventually(async () => {
    ahead += 100_000;
    await relayOnce({ db: site.db, clock, entities, wake, log: site.log });
    return (await attempts()) === undefined;
  }, 'the wake-up to be delivered');
  const handle = site.client.workflow.getHandle(`data-source/${id}`);
  const connection = await connectWorkers(site.config);
  const workers = await startQueueWorkers({
    connection,
    namespace: site.config.temporal.namespace,
    taskQueuePrefix: '',
    entities,
    activities: heldDependencies(site, hold()),
    outbound: outboundDependencies(site.config),
    log: site.log,
    workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') },
    queues: ['entities'],
  });
  t.teardown(async () => {
    await workers.stop();
    await connection.close();
  });
  const description = await eventually(async () => {
    const now = await handle.describe();
    return now.status.name === 'COMPLETED' ? now : null;
  }, 'the workflow to find that its row is gone');
  t.deepEqual(Object.keys(description.searchAttributes).filter((name) => name.startsWith('Orrery')), []);
});
