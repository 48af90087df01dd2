import test from 'ava';
import { deleteDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { getDataSource, insertDataSource } from '../../db/data-sources/data-source-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { system } from '../../domain/shared/entity.ts';
import { startTestApi, type TestApi } from '../../tests/helpers/api.ts';
import { blankDataSource } from '../../tests/helpers/blank-data-source.ts';

let api: TestApi;
test.before(async () => {
  api = await startTestApi();
});
test.after.always(() => api?.end());

async function sources(...changes: Partial<DataSource>[]): Promise<{ organizationId: string; token: string; ids: string[] }> {
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'manager');
  const ids: string[] = [];
  for (const change of changes) {
    const source = blankDataSource(organizationId, change);
    await inTransaction(api.db, (tx) => insertDataSource(tx, source));
    ids.push(source.id);
  }
  return { organizationId, token, ids };
}

const decision = () => ({ at: api.clock.now(), by: system('test') });

test('a name that another data source of the organization has is refused by its field, whatever its case', async (t) => {
  const { token, ids } = await sources({ name: 'First', accountId: '1' }, { name: 'Second', accountId: '2' });
  const headers = { 'If-Match': '"1"' };
  const answer = await api.call(`/v1/data-sources/${ids[1]}`, { method: 'PATCH', token, headers, body: { name: 'FIRST' } });
  t.deepEqual([answer.status, answer.body.code, answer.body.fields?.[0]?.field], [409, 'data-sources.name-taken', 'name']);
  const own = await api.call(`/v1/data-sources/${ids[1]}`, { method: 'PATCH', token, headers, body: { name: 'SECOND' } });
  t.is(own.status, 200);
});

test('data sources are listed by name, by when they were connected or last imported, up and down, in pages', async (t) => {
  const { organizationId, token, ids } = await sources({ name: 'b', accountId: '1' }, { name: 'C', accountId: '2' }, { name: 'a', accountId: '3' });
  const [b, c, a] = ids as [string, string, string];
  for (const [id, created, success] of [[b, 3, null], [c, 1, '2035-01-02T00:00:00Z'], [a, 2, '2035-01-01T00:00:00Z']] as const) {
    await api.db('data_sources').where({ id }).update({ created_at: `2034-01-0${created}T00:00:00Z`, last_success_at: success });
  }
  const inPages = async (query: string): Promise<string[]> => {
    const found: string[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const { body } = await api.call(`/v1/organizations/${organizationId}/data-sources?page_size=1${query}${next === '' ? '' : `&page_token=${next}`}`, { token });
      found.push(...body.items.map((item: { id: string }) => item.id));
      next = body.next_page_token;
    }
    return found;
  };
  t.deepEqual(await inPages(''), [a, b, c], 'by name, whatever the case');
  t.deepEqual(await inPages('&sort=-name'), [c, b, a]);
  t.deepEqual(await inPages('&sort=created_at'), [c, a, b]);
  t.deepEqual(await inPages('&sort=-created_at'), [b, a, c]);
  t.deepEqual(await inPages('&sort=last_success_at'), [b, a, c], 'the one without an import first');
  t.deepEqual(await inPages('&sort=-last_success_at'), [c, a, b]);
  t.is((await api.call(`/v1/organizations/${organizationId}/data-sources?sort=size`, { token })).status, 400);
});

test('disconnecting an account succeeds though the root that took it is being deleted at the same moment', async (t) => {
  const { organizationId, token, ids } = await sources(
    { name: 'Linked', accountId: '1', kind: 'linked' },
    { name: 'Root', accountId: '2', linkedAccounts: 'connected' },
  );
  const [linked, root] = ids as [string, string];
  const tx = await api.db.transaction();
  await deleteDataSource(tx, { organizationId, id: root }, decision());
  const removing = api.call(`/v1/data-sources/${linked}`, { method: 'DELETE', token, headers: { 'If-Match': '"1"' } });
  // Waits for the root's row, which it has read as connected.
  for (let waiting = 0; waiting === 0; ) {
    const { rows } = await api.db.raw(`select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`);
    waiting = rows[0].count;
  }
  await tx.commit();
  t.is((await removing).status, 202);
  t.is((await getDataSource(api.db, organizationId, linked))?.state, 'deleting');
});
