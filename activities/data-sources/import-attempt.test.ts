import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import test from 'ava';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { insertDataSource, getDataSource } from '../../db/data-sources/data-source-store.ts';
import { takeImportFence } from '../../db/data-sources/import-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { blankDataSource } from '../../tests/helpers/blank-data-source.ts';
import { anOrganization, tester } from '../../tests/helpers/connect.ts';
import { writeHandMadePeriod } from '../../tests/helpers/hand-made-bill.ts';
import { heldDependencies, hold, type Hold } from '../../tests/helpers/held-workers.ts';
import { platform, type Platform } from '../../tests/helpers/platform.ts';
import { systemClock } from '../../workers/dependencies.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';
import { createDataSourceActivities } from './index.ts';

let site: Platform;
test.before(async () => {
  site = await platform();
});
test.after.always(() => site?.end());

interface Planned {
  ref: { organizationId: string; id: string };
  importId: string;
  path: string;
  held: Hold;
  deps: DataSourceActivityDependencies;
  /** Runs an attempt at reading the month. */
  read(attempt?: number): { ended: Promise<unknown>; environment: MockActivityEnvironment };
}

/** A data source whose running import has planned October; nothing but the test performs its acts. */
async function planned(name: string): Promise<Planned> {
  const organizationId = await anOrganization(site);
  const path = join(site.directory, name);
  mkdirSync(path);
  for (const month of ['2026-09', '2026-10']) {
    writeHandMadePeriod(path, '', 'acme', { month, assembly: 'a', rows: [{ day: `${month}-03`, resource: 'i-1', unblended: '7' }] });
  }
  const source = blankDataSource(organizationId, { export: exportOf(path) });
  const ref = { organizationId, id: source.id };
  await inTransaction(site.db, (tx) => insertDataSource(tx, source));
  const asked = await inTransaction(site.db, (tx) => requestImport(tx, ref, { cause: 'request', months: [], at: systemClock.now(), by: tester }));
  const held = hold();
  const deps = heldDependencies(site, held);
  const activities = createDataSourceActivities(deps);
  const importId = asked.id;
  const plan = { name: 'plan-import' as const, key: `${importId}/plan`, summary: '', importId };
  await new MockActivityEnvironment().run(() => activities.planImport(ref, plan));
  const act = { name: 'import-period' as const, key: `${importId}/period/2026-10-01`, summary: '', importId, billingPeriod: '2026-10-01' };
  const read: Planned['read'] = (attempt = 1) => {
    const environment = new MockActivityEnvironment({ attempt });
    const ended = environment.run(() => activities.importPeriod(ref, act)).then(() => null, (error: unknown) => error);
    return { environment, ended };
  };
  return { ref, importId, path, held, deps, read };
}

const exportOf = (path: string): NonNullable<DataSource['export']> => ({
  scheme: 'directory',
  dialect: 'cur',
  name: 'acme',
  bucket: null,
  prefix: '',
  region: null,
  path,
});

const stateOf = async (importId: string): Promise<string> => (await site.db('billing_imports').where({ id: importId }).first('state')).state;

/** A reading that fails for good, once released, whatever it was told meanwhile. */
function failing(held: Hold, deps: DataSourceActivityDependencies): void {
  deps.reader = {
    ...deps.reader,
    async read() {
      held.begin();
      await held.released;
      throw new DomainError({ kind: 'invalid-input', code: 'billing.not-a-number', message: 'seven' });
    },
  };
}

test('an attempt that lost its fence cannot fail the import that a newer attempt carries on', async (t) => {
  const { ref, importId, held, deps, read } = await planned('older');
  failing(held, deps);
  const { ended } = read();
  await held.reached;
  t.is(await inTransaction(site.db, (tx) => takeImportFence(tx, ref.organizationId, ref.id, importId)), 3);
  held.release();
  t.is(await ended, null);
  t.is(await stateOf(importId), 'running');
});

test('what breaks because the worker stops is tried again, never taken for a fault of the bill', async (t) => {
  const { importId, held, deps, read } = await planned('stopping');
  failing(held, deps);
  const { environment, ended } = read();
  await held.reached;
  environment.cancel('WORKER_SHUTDOWN');
  held.release();
  t.like(await ended, { message: 'WORKER_SHUTDOWN' });
  t.is(await stateOf(importId), 'running');
});

test('a month that the export no longer holds is looked for a few times, then fails the import with that reason', async (t) => {
  const { ref, importId, path, held, read } = await planned('vanished');
  held.release();
  rmSync(join(path, 'acme', '20261001-20261101'), { recursive: true });
  t.like(await read(4).ended, { code: 'billing.period-vanished', kind: 'unavailable' });
  t.is(await stateOf(importId), 'running');
  t.is(await read(5).ended, null);
  t.is(await stateOf(importId), 'failed');
  t.is((await getDataSource(site.db, ref.organizationId, ref.id))?.lastError?.code, 'billing.period-vanished');
});
