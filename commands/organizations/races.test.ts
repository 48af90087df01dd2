import test from 'ava';
import { system } from '../../domain/shared/entity.ts';
import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { startTestApi, type TestApi } from '../../tests/helpers/api.ts';
import { anApprovedProject } from '../../tests/helpers/projects.ts';
import { extendProject } from '../projects/decide-on-project.ts';
import { editProject } from '../projects/edit-project.ts';
import { projectEntity } from '../projects/project-entity.ts';
import { lockCapacity } from '../quotas/port.ts';
import { advanceEntity } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
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

test('whoever removes a member holds nobody up who writes for the organization', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const organizationId = await api.organization();
  await api.member(organizationId, 'manager');
  const { id: userId } = await api.member(organizationId, 'member');
  const at = api.clock.now();
  const entry = { id: newId('ledger-entry'), organizationId, at, subject: organizationId, action: 'test.write', by, before: null, after: null };
  await inTransaction(api.db, async (tx) => {
    await removeMember(tx, { organizationId, userId }, { at, by });
    await inTransaction(api.db, async (other) => {
      await other.raw(`set local lock_timeout = '5s'`);
      t.true(await recordLedgerEntry(other, entry));
    });
  });
});

test('a member who is removed while a project takes them in is in neither', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const organizationId = await api.organization();
  const [manager, member] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'member')];
  const at = api.clock.now();
  const { id } = await anApprovedProject(api.db, { organizationId, managers: [manager.id] }, at);
  const take = async (tx: Transaction): Promise<void> => void (await editProject(tx, { organizationId, id }, { members: [member.id] }, { at, by }));
  const remove = (tx: Transaction) => removeMember(tx, { organizationId, userId: member.id }, { at, by });
  const people = () => api.db('project_members').where('project_id', id).pluck('user_id');
  t.is((await overlapping(api, take, remove))?.status, 'fulfilled');
  t.deepEqual(await people(), [manager.id]);
  await api.db('memberships').insert({ organization_id: organizationId, user_id: member.id, role: 'member', created_at: at });
  t.like(await overlapping(api, remove, take), { status: 'rejected', reason: { code: 'projects.unknown-people' } });
  t.deepEqual(await people(), [manager.id]);
});

/** Waits until somebody waits for a lock. Nothing here is repeated after a deadlock, as inTransaction would. */
async function untilOneWaits(api: TestApi, count = 1): Promise<void> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await api.db.raw(waiting)).rows.length < count);
}

test('whoever leaves waits for the organization’s capacity before any project is held', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const organizationId = await api.organization();
  const [manager, member] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'member')];
  const at = '2035-02-05T00:00:00.000Z';
  const people = { organizationId, managers: [manager.id], members: [member.id] };
  const running = await anApprovedProject(api.db, people, '2035-01-01T00:00:00.000Z');
  await inTransaction(api.db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id: running.id }, at));
  // This one has not begun, so it is locked with the capacity.
  await anApprovedProject(api.db, { ...people, startDate: '2035-03-01', endDate: '2035-03-31' }, at);
  const leaving: Promise<unknown>[] = [];
  await api.db.transaction(async (tx) => {
    await lockCapacity(tx, organizationId);
    leaving.push(api.db.transaction((other) => removeMember(other, { organizationId, userId: member.id }, { at, by })));
    await untilOneWaits(api);
    await tx.raw(`set local lock_timeout = '500ms'`);
    await extendProject(tx, { organizationId, id: running.id }, { days: 7, applicationId: null }, { at, by });
  });
  await t.notThrowsAsync(leaving[0] as Promise<unknown>);
  t.deepEqual(await api.db('project_members').where('user_id', member.id).pluck('project_id'), []);
});

test('whoever leaves and whoever edits a project of theirs wait for each other in one order', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const organizationId = await api.organization();
  const [manager, member] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'member')];
  const at = '2035-02-05T00:00:00.000Z';
  const { id } = await anApprovedProject(api.db, { organizationId, managers: [manager.id], members: [member.id] }, '2035-01-01T00:00:00.000Z');
  await inTransaction(api.db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id }, at));
  const both: Promise<unknown>[] = [];
  await api.db.transaction(async (tx) => {
    // Holds up who reads memberships, the manager's before the member's.
    await tx('memberships').where('user_id', manager.id).forUpdate().select('user_id');
    both.push(api.db.transaction((other) => editProject(other, { organizationId, id }, { managers: [manager.id], members: [member.id], name: 'New' }, { at, by })));
    await untilOneWaits(api);
    both.push(api.db.transaction((other) => removeMember(other, { organizationId, userId: member.id }, { at, by })));
    await untilOneWaits(api, 2);
  });
  t.deepEqual((await Promise.allSettled(both)).map(({ status }) => status), ['fulfilled', 'fulfilled']);
  t.deepEqual(await api.db('project_members').where('project_id', id).pluck('user_id'), [manager.id]);
});
