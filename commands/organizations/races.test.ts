import test from 'ava';
import { system } from '../../domain/shared/entity.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { startTestApi, type TestApi } from '../../tests/helpers/api.ts';
import { removeMember } from './remove-member.ts';
import { renameOrganization } from './rename-organization.ts';

const by = system('test');

/** Runs `first` and holds its transaction open until `second` waits for a lock or is done; then both end. */
async function overlapping<T>(api: TestApi, first: (tx: Transaction) => Promise<T>, second: (tx: Transaction) => Promise<T>) {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const later = { done: false, outcome: Promise.resolve<PromiseSettledResult<T>[]>([]) };
  await inTransaction(api.db, async (tx) => {
    await first(tx);
    later.outcome = Promise.allSettled([inTransaction(api.db, second)]).finally(() => {
      later.done = true;
    });
    while (!later.done && (await api.db.raw(waiting)).rows.length === 0);
  });
  const [outcome] = await later.outcome;
  return outcome;
}

test('of two managers who leave at once the second stays', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const organizationId = await api.organization();
  const [one, two] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'manager')];
  const leave = (userId: string) => (tx: Transaction) => removeMember(tx, { organizationId, userId }, { at: api.clock.now(), by });
  const outcome = await overlapping(api, leave(one.id), leave(two.id));
  t.like(outcome ?? {}, { status: 'rejected', reason: { code: 'organizations.last-manager' } });
  t.deepEqual(await api.db('memberships').where('organization_id', organizationId).pluck('user_id'), [two.id]);
});

test('an edit sees the version that the edit before it left', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const organizationId = await api.organization('First');
  const seen: number[] = [];
  const rename = (name: string) => (tx: Transaction) =>
    renameOrganization(tx, { organizationId, name }, { at: api.clock.now(), by, check: (version) => void seen.push(version) });
  const outcome = await overlapping(api, rename('Second'), rename('Third'));
  t.is(outcome?.status, 'fulfilled');
  t.deepEqual(seen, [1, 2]);
  const entries = await api.db('ledger').where('subject', organizationId).orderBy('id').select('before', 'after');
  t.deepEqual(entries.at(-1), { before: { name: 'Second' }, after: { name: 'Third' } });
});
