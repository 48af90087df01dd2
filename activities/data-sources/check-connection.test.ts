import { MockActivityEnvironment } from '@temporalio/testing';
import test from 'ava';
import { getCheck } from '../../db/data-sources/credential-check-store.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { anOrganization, ask } from '../../tests/helpers/connect.ts';
import { heldDependencies, hold } from '../../tests/helpers/held-workers.ts';
import { platform, type Platform } from '../../tests/helpers/platform.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { createDataSourceActivities } from './index.ts';

let site: Platform;
test.before(async () => {
  // Nothing listens there: AWS cannot be reached.
  const nowhere = 'http://127.0.0.1:9';
  site = await platform((config) => ({ ...config, awsEndpoints: { ...config.awsEndpoints, s3: nowhere, sts: nowhere } }));
});
test.after.always(() => site?.end());

test('a check that cannot reach the cloud is tried again for ten minutes, then expires without its secret', async (t) => {
  const organizationId = await anOrganization(site);
  const credentials = { kind: 'key-pair' as const, access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
  const { id, operationId } = await ask(site, organizationId, { kind: 'linked' }, { credentials });
  const ref = { organizationId, id };
  const act = { name: 'check-connection' as const, key: `${id}/check`, summary: '' };
  let ahead = 0;
  const deps = { ...heldDependencies(site, hold()), clock: { now: () => plusMilliseconds(systemClock.now(), ahead) } };
  const attempt = () => new MockActivityEnvironment().run(async () => await createDataSourceActivities(deps).checkConnection(ref, act));
  await t.throwsAsync(attempt(), { message: /reach/ });
  t.is((await getCheck(site.db, organizationId, id))?.state, 'checking');
  ahead = 10 * 60_000;
  await attempt();
  const check = await getCheck(site.db, organizationId, id);
  t.deepEqual([check?.state, check?.error?.code], ['expired', 'data-sources.check-expired']);
  t.is((await getOperation(site.db, organizationId, operationId))?.state, 'failed');
  t.deepEqual(await site.db('pending_secrets'), []);
});
