import test from 'ava';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { standingClock, testSandbox } from '../../tests/helpers/sandbox.ts';
import { seedSandbox } from './seed-sandbox.ts';

test('the demonstration has a dozen instances, some of which must not be stopped, and is made once', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const clock = standingClock();
  const { key, account } = await testSandbox(db, clock);
  const seed = () => inTransaction(db, (tx) => seedSandbox(tx, key, { at: clock.now(), by: system('start') }));
  t.is(await seed(), 12);
  t.is(await seed(), 0);
  const found = [];
  for await (const step of account.catalog.discover(new AbortController().signal)) if (step.kind === 'instances') found.push(...step.instances);
  t.is(new Set(found.map(({ name }) => name)).size, 12);
  t.is(new Set(found.map(({ regionId }) => regionId)).size, 3);
  const reasons = found.flatMap(({ canStop }) => (canStop.allowed ? [] : [canStop.reason]));
  t.deepEqual(reasons.toSorted(), ['local-ssd', 'one-time-spot', 'scaling-group', 'stop-protection']);
  t.true(found.every(({ tags }) => tags.Team !== undefined && tags.Environment !== undefined));
  t.is(found.filter(({ tags }) => tags.Hours === 'office').length, 5);
});
