import { declineProject } from '../../commands/projects/decide-on-project.ts';
import { compareDeletionCode, tryDeletionCode } from '../../commands/projects/delete-project.ts';
import { editCapacity } from '../../commands/quotas/edit-capacity.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { projectEntity } from '../../commands/projects/project-entity.ts';
import { getMailSecret } from '../../db/notifications/mail-store.ts';
import { lockDeletionCode } from '../../db/projects/deletion-code-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { addDays } from '../../domain/projects/local-days.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, Reply, TestApi } from '../../tests/helpers/api.ts';
import { insertEnvironment } from '../../tests/helpers/bookings.ts';
import { anApprovedProject, aProject, type ProjectWish } from '../../tests/helpers/projects.ts';

// One after the other: they share a clock, which some of them move.
const test = apiTest();
const by = system('test');
const DAY_MS = 86_400_000;

interface World {
  organizationId: string;
  boss: Person;
  lead: Person;
  hand: Person;
  stranger: Person;
}

async function world(api: TestApi): Promise<World> {
  const organizationId = await api.organization();
  const [boss, lead, hand, stranger] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'engineer'), await api.member(organizationId, 'engineer'), await api.member(organizationId, 'member')];
  return { organizationId, boss, lead, hand, stranger };
}

/** A project that began today and lasts `days`, in the world's lead's hands. */
async function begun(api: TestApi, { organizationId, lead, hand }: World, days = 30, wish: Partial<ProjectWish> = {}): Promise<Project> {
  const startDate = api.clock.now().slice(0, 10);
  const dates = { startDate, endDate: addDays(startDate, days - 1) };
  return await anApprovedProject(api.db, { organizationId, managers: [lead.id], members: [hand.id], ...dates, ...wish }, api.clock.now());
}

const post = (api: TestApi, path: string, { token }: Person, body: unknown = {}): Promise<Reply> => api.call(path, { method: 'POST', token, body });

/** The code in the newest letter that was written. */
async function mailedCode(api: TestApi): Promise<string> {
  const mail = await api.db('mails').where('kind', 'project-deletion').orderBy('id', 'desc').first<{ id: string; body: string }>('id', 'body');
  const sealed = await getMailSecret(api.db, mail.id);
  if (sealed === null) throw new Error('the letter has no secret');
  return api.deps.vault.open(sealed, mail.id);
}

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

test.serial('one call lists cards: people, quota, bookings, days left, what comes next, and the role of who asks', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const project = await begun(api, its, 30, { name: 'Iris' });
  const soon = addDays(project.endDate, 10);
  await anApprovedProject(api.db, { organizationId: its.organizationId, managers: [its.boss.id], name: 'Later', startDate: soon, endDate: soon }, api.clock.now());
  await aProject(api.db, { organizationId: its.organizationId, managers: [its.lead.id], name: 'Maybe', startDate: soon, endDate: soon }, api.clock.now());
  const environmentId = await insertEnvironment(api.db, its.organizationId, {}, api.clock.now());
  t.is((await post(api, `/v1/organizations/${its.organizationId}/bookings`, its.hand, { environment_id: environmentId, project_id: project.id })).status, 201);
  const path = `/v1/organizations/${its.organizationId}/projects`;
  const all = await api.call(path, { token: its.boss.token });
  t.deepEqual(all.body.items.map(({ name }: { name: string }) => name), ['Iris', 'Later', 'Maybe']);
  t.like(all.body, { total: 3, displayed: 3, next_page_token: null });
  t.like(all.body.items[0], {
    state: 'active', days_left: 30, counts: { bookings: 1, containers: 0, jobs: 0 }, people_count: 2, role: null, next: { what: 'end', on: project.endDate }, managers: [{ id: its.lead.id }], members: [{ id: its.hand.id }],
    quota: { quota: { gpu: '1', cpu: '4', ram_gib: '16' }, used: { gpu: '0' } },
  });
  t.like(all.body.items[1], { state: 'scheduled', next: { what: 'start', on: soon } });
  t.like(all.body.items[2], { state: 'reviewing', quota: null, days_left: null, next: null });
  const mine = await api.call(`${path}?sort=-name`, { token: its.lead.token });
  t.deepEqual(mine.body.items.map(({ name, role }: { name: string; role: string }) => `${name} ${role}`), ['Maybe manager', 'Iris manager']);
  t.is((await api.call(path, { token: its.hand.token })).body.items[0].role, 'member');
  t.is((await api.call(path, { token: its.stranger.token })).body.total, 0);
  t.is((await api.call(`${path}?search=iRi&state=active`, { token: its.boss.token })).body.total, 1);
  t.is((await api.call(`${path}?search=${project.code}`, { token: its.boss.token })).body.total, 1);
  const names: string[] = [];
  for (let token = ''; ; ) {
    const page = await api.call(`${path}?page_size=1&sort=end_date${token}`, { token: its.boss.token });
    names.push(...page.body.items.map(({ name }: { name: string }) => name));
    if (page.body.next_page_token === null) break;
    token = `&page_token=${page.body.next_page_token}`;
  }
  t.deepEqual(names.toSorted(), ['Iris', 'Later', 'Maybe']);
});

test.serial('a project does not exist for who is not in it; its members look, its managers change it', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its);
  const path = `/v1/projects/${id}`;
  t.is((await api.call(path, { token: its.stranger.token })).status, 404);
  t.is((await api.call(path, { token: its.hand.token })).status, 200);
  const change = (person: Person, body: unknown, match = '*') => api.call(path, { method: 'PATCH', token: person.token, body, headers: { 'If-Match': match } });
  t.like(await change(its.hand, { name: 'Mine' }), { status: 403, body: { code: 'projects.managers-only' } });
  t.is((await change(its.stranger, { name: 'Mine' })).status, 404);
  const { headers } = await api.call(path, { token: its.lead.token });
  const etag = headers.get('etag') ?? '';
  const edited = await change(its.lead, { name: 'Sound', managers: [its.lead.id, its.hand.id], members: [its.stranger.id], warn_days: [3, 30] }, etag);
  t.like(edited, { status: 200, body: { name: 'Sound', warn_days: [30, 3], people_count: 3, members: [{ id: its.stranger.id }] } });
  t.is(edited.body.managers.length, 2);
  t.is((await change(its.lead, { name: 'Late' }, etag)).status, 412);
  t.is((await api.call(path, { method: 'PATCH', token: its.lead.token, body: { name: 'x' } })).status, 428);
  const outsider = await api.person();
  for (const [body, code] of [
    [{ managers: [] }, 'projects.no-manager'],
    [{ members: [outsider.id] }, 'projects.unknown-people'],
    [{ warn_days: [0] }, 'projects.bad-warn-days'],
    [{ warn_days: [1.5] }, 'projects.bad-warn-days'],
  ] as const) {
    const reply = await change(its.lead, body);
    t.like(reply, { status: 400, body: { code } });
  }
  t.like((await api.call(path, { token: its.boss.token })).body, { name: 'Sound', members: [{ id: its.stranger.id }] }, 'nothing was written');
});

test.serial('a deletion needs the mailed code, once, in time, and can be taken back', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its);
  const path = `/v1/projects/${id}`;
  const remove = (code: string, person = its.lead) => post(api, `${path}:delete`, person, { code });
  t.is((await remove('123456')).body.code, 'projects.code-missing');
  t.is((await post(api, `${path}:request-deletion`, its.hand)).status, 403);
  const asked = await post(api, `${path}:request-deletion`, its.lead);
  t.like(asked, { status: 202, body: { tries: 5 } });
  t.like(await post(api, `${path}:request-deletion`, its.lead), { status: 429, body: { code: 'projects.code-too-soon' } });
  const code = await mailedCode(api);
  t.regex(code, /^\d{6}$/);
  t.like(await remove(wrong(code)), { status: 400, body: { code: 'projects.code-wrong', details: { tries_left: 4 } } });
  t.is((await remove(code, its.boss)).body.code, 'projects.code-missing', 'a code is its person’s');
  const deleted = await remove(code);
  t.like(deleted, { status: 200, body: { state: 'buffer', state_reason: 'deleted', buffer: { number: 1, reason: 'deleted' } } });
  t.is((await remove(code)).body.code, 'projects.code-used');
  const kept = JSON.stringify([await api.db('project_deletion_codes').where('project_id', id), await api.db('mails'), await api.db('ledger').where('subject', id)]);
  t.false(kept.includes(`"${code}"`) || api.logged.some((line) => line.includes(`"code":"${code}"`)), 'the code is nowhere in the clear');
  const restored = await post(api, `${path}:restore`, its.lead);
  t.like(restored, { status: 200, body: { state: 'active', buffer: null } });
  t.is((await post(api, `${path}:restore`, its.lead)).body.code, 'projects.not-deleted');
});

test.serial('a code is tried five times and lasts ten minutes; tries that race are counted', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its);
  const path = `/v1/projects/${id}`;
  const remove = (code: string) => post(api, `${path}:delete`, its.lead, { code });
  await post(api, `${path}:request-deletion`, its.lead);
  const code = await mailedCode(api);
  const replies = await Promise.all(Array.from({ length: 7 }, () => remove(wrong(code))));
  t.deepEqual(replies.map(({ body }) => String(body.code)).toSorted(), [...Array.from({ length: 2 }, () => 'projects.code-exhausted'), ...Array.from({ length: 5 }, () => 'projects.code-wrong')]);
  t.is((await remove(code)).body.code, 'projects.code-exhausted');
  api.clock.forward(61_000);
  t.is((await post(api, `${path}:request-deletion`, its.lead)).status, 202);
  const newer = await mailedCode(api);
  api.clock.forward(10 * 60_000);
  t.is((await remove(newer)).body.code, 'projects.code-expired');
  t.is((await api.call(path, { token: its.lead.token })).body.state, 'active');
});

test.serial('codes are compared while nothing is held, and of those compared at once five are heard', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its);
  await post(api, `/v1/projects/${id}:request-deletion`, its.lead);
  const [code, at] = [await mailedCode(api), api.clock.now()];
  const [ref, userId] = [{ organizationId: its.organizationId, id }, its.lead.id];
  const guesses = [...Array.from({ length: 5 }, () => wrong(code)), code];
  const compared = await inTransaction(api.db, async (tx) => {
    await lockDeletionCode(tx, { organizationId: its.organizationId, projectId: id, userId });
    return await Promise.all(guesses.map((guess) => compareDeletionCode(api.db, ref, { userId, code: guess }, at)));
  });
  t.deepEqual(compared.map((one) => one?.matches), [false, false, false, false, false, true]);
  const answers: string[] = [];
  for (const tried of compared) {
    const answer = await inTransaction(api.db, (tx) => tryDeletionCode(tx, ref, { userId, tried }, { at, by }));
    answers.push('refusal' in answer ? answer.refusal.code : 'right');
  }
  t.deepEqual(answers, [...Array.from({ length: 5 }, () => 'projects.code-wrong'), 'projects.code-exhausted']);
});

test.serial('a person is sent five codes an hour for a project, used ones included', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its, 30, { managers: [its.lead.id, its.hand.id], members: [] });
  const path = `/v1/projects/${id}`;
  for (let asked = 1; asked <= 5; asked += 1) {
    t.is((await post(api, `${path}:request-deletion`, its.lead)).status, 202);
    if (asked === 5) t.is((await post(api, `${path}:delete`, its.lead, { code: await mailedCode(api) })).status, 200);
    api.clock.forward(61_000);
  }
  t.is((await post(api, `${path}:restore`, its.lead)).status, 200);
  const refused = await post(api, `${path}:request-deletion`, its.lead);
  t.like(refused, { status: 429, body: { code: 'projects.too-many-codes' } });
  // The first code's hour, of which five minutes and what these requests took are over.
  const wait = Number(refused.headers.get('retry-after'));
  t.true(wait <= 3_600 - 5 * 61 && wait > 3_000, `${wait}`);
  t.is((await post(api, `${path}:request-deletion`, its.hand)).status, 202, 'each person counts alone');
  api.clock.forward(wait * 1000);
  t.is((await post(api, `${path}:request-deletion`, its.lead)).status, 202);
});

test.serial('of two managers who delete and edit at once both are served, in some order', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its, 30, { managers: [its.lead.id, its.hand.id], members: [] });
  const path = `/v1/projects/${id}`;
  const codes = new Map<Person, string>();
  for (const person of [its.lead, its.hand]) {
    await post(api, `${path}:request-deletion`, person);
    codes.set(person, await mailedCode(api));
  }
  const replies = await Promise.all([its.lead, its.hand].map((person) => post(api, `${path}:delete`, person, { code: codes.get(person) })));
  t.deepEqual(replies.map(({ status }) => status).toSorted((a, b) => a - b), [200, 409]);
  t.is(replies.find(({ status }) => status === 409)?.body.code, 'projects.not-deletable');
  t.is((await api.db('ledger').where({ subject: id, action: 'projects.delete' })).length, 1);
  const leave = [its.lead, its.hand].map((one, index) => api.call(path, { method: 'PATCH', token: one.token, body: { managers: [[its.hand, its.lead][index]?.id] }, headers: { 'If-Match': '*' } }));
  t.true((await Promise.all(leave)).some(({ status }) => status === 200));
  t.is((await api.db('project_members').where({ project_id: id, role: 'manager' })).length, 1, 'each left the other alone; one is left');
});

test.serial('in its buffer everything of a project is refused, with the date on which it ends', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const project = await begun(api, its, 1);
  const environmentId = await insertEnvironment(api.db, its.organizationId, {}, api.clock.now());
  const book = (person: Person, projectId: string | null) => post(api, `/v1/organizations/${its.organizationId}/bookings`, person, { environment_id: environmentId, project_id: projectId });
  t.is((await book(its.boss, project.id)).body.code, 'projects.no-such-project', 'who is not in it');
  const booked = await book(its.hand, project.id);
  t.is(booked.status, 201);
  api.clock.forward(2 * DAY_MS);
  // Nobody has settled it: whoever asks finds it as time has made it.
  const refused = await book(its.hand, project.id);
  t.like(refused, { status: 409, body: { code: 'projects.in-buffer' } });
  await inTransaction(api.db, (tx) => advanceEntity(tx, projectEntity, { organizationId: its.organizationId, id: project.id }, api.clock.now()));
  const { body } = await api.call(`/v1/projects/${project.id}`, { token: its.lead.token });
  t.like(body, { state: 'buffer', state_reason: 'expired', next: { what: 'release', on: body.buffer.ends_on } });
  t.is((await book(its.hand, project.id)).body.details.buffer_ends_on, body.buffer.ends_on);
  const ended = await api.call(`/v1/bookings/${booked.body.items[0].id}`, { token: its.hand.token });
  t.like(ended.body, { state: 'released', end_reason: 'project-ended' });
  t.is((await book(its.hand, null)).status, 201, 'the environment is free for others');
  t.is((await post(api, `/v1/projects/${project.id}:restore`, its.lead)).body.code, 'projects.expired');
  t.like((await api.call(`/v1/projects/${project.id}/releases`, { token: its.lead.token })).body, { state: 'buffer', parts: [] });
  t.is((await post(api, `/v1/projects/${project.id}:retry-release`, its.lead)).body.code, 'projects.not-releasing');
});

test.serial('who has left a project gives its bookings back, and takes no more time for it', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const project = await begun(api, its, 3);
  const environmentId = await insertEnvironment(api.db, its.organizationId, {}, api.clock.now());
  const inHours = (hours: number): string => plusMilliseconds(api.clock.now(), hours * 3_600_000);
  const booked = await post(api, `/v1/organizations/${its.organizationId}/bookings`, its.hand, { environment_id: environmentId, project_id: project.id, until: inHours(4) });
  const { id } = booked.body.items[0];
  const end = async (until: string | null) => {
    const { headers } = await api.call(`/v1/bookings/${id}`, { token: its.hand.token });
    return await api.call(`/v1/bookings/${id}`, { method: 'PATCH', token: its.hand.token, headers: { 'If-Match': headers.get('etag') ?? '' }, body: { until } });
  };
  t.is((await end(inHours(5))).status, 200);
  await api.db('project_members').where({ project_id: project.id, user_id: its.hand.id }).delete();
  t.is((await end(inHours(6))).body.code, 'projects.no-such-project');
  t.is((await end(null)).body.code, 'projects.no-such-project');
  t.is((await end(inHours(2))).status, 200);
});

test.serial('what keeping a quota costs is shown where the organization states prices', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its);
  const keeping = async (): Promise<unknown> => (await api.call(`/v1/projects/${id}`, { token: its.lead.token })).body.keeping;
  t.is(await keeping(), null);
  const prices = { currency: 'EUR', gpu_hour: '2.5', cpu_hour: '0.05', ram_gib_hour: '0.01' };
  await inTransaction(api.db, (tx) => editCapacity(tx, { organizationId: its.organizationId, amounts: { gpu: null, cpu: null, ram_gib: null }, prices }, { at: api.clock.now(), by }));
  t.deepEqual(await keeping(), { a_day: { amount: '68.64', currency: 'EUR' }, until_release: null });
});

test.serial('who leaves the organization leaves its projects; the last manager of one stays', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { id } = await begun(api, its);
  const fire = (person: Person) => api.call(`/v1/organizations/${its.organizationId}/members/${person.id}`, { method: 'DELETE', token: its.boss.token });
  t.like(await fire(its.lead), { status: 409, body: { code: 'projects.last-manager' } });
  t.is((await fire(its.hand)).status, 204);
  t.deepEqual(await api.db('project_members').where('project_id', id).pluck('user_id'), [its.lead.id]);
  t.is((await api.db('ledger').where({ subject: id, action: 'projects.leave' })).length, 1);
});

test.serial('a declined project stays as it was applied for, without quota', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const at = api.clock.now();
  const { id } = await aProject(api.db, { organizationId: its.organizationId, managers: [its.lead.id], startDate: at.slice(0, 10), endDate: at.slice(0, 10) }, at);
  await inTransaction(api.db, (tx) => declineProject(tx, { organizationId: its.organizationId, id }, 'revoked', { at, by }));
  t.like((await api.call(`/v1/projects/${id}`, { token: its.lead.token })).body, { state: 'declined', state_reason: 'revoked', quota: null, next: null });
  t.is((await post(api, `/v1/projects/${id}:request-deletion`, its.lead)).body.code, 'projects.not-deletable');
  t.is((await api.db('wake_ups').where('entity_id', id)).length, 0, 'it has no workflow');
});

test.serial('who waits for capacity is shown whom for: by name to those who may see them, counted to others', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const { organizationId, lead, hand } = its;
  await inTransaction(api.db, (tx) => editCapacity(tx, { organizationId, amounts: { gpu: '1', cpu: null, ram_gib: null }, prices: null }, { at: api.clock.now(), by }));
  const first = await begun(api, its, 1, { name: 'First', managers: [lead.id], members: [] });
  // Nobody sees the first one's end: its quota outlives its plan.
  const startDate = addDays(first.endDate, 15);
  const second = await anApprovedProject(api.db, { organizationId, managers: [lead.id], members: [hand.id], startDate, endDate: startDate }, api.clock.now());
  api.clock.forward(15 * DAY_MS);
  await inTransaction(api.db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id: second.id }, api.clock.now()));
  const seen = async (person: Person): Promise<Reply['body']> => (await api.call(`/v1/projects/${second.id}`, { token: person.token })).body;
  t.like(await seen(lead), { state: 'scheduled', waiting_for: { projects: [{ id: first.id, name: 'First' }], others: 0 } });
  t.like(await seen(hand), { state: 'scheduled', waiting_for: { projects: [], others: 1 } });
  const environmentId = await insertEnvironment(api.db, organizationId, {}, api.clock.now());
  const booked = await post(api, `/v1/organizations/${organizationId}/bookings`, hand, { environment_id: environmentId, project_id: second.id });
  t.like(booked, { status: 409, body: { code: 'projects.not-active' } });
});

test.serial('a rehearsal names what is ahead, to those who may see it', async (t) => {
  const { api } = t.context;
  const its = await world(api);
  const project = await begun(api, its, 10);
  const path = `/v1/organizations/${its.organizationId}/projects/rehearsal`;
  const { body } = await api.call(`${path}?days=30`, { token: its.lead.token });
  t.deepEqual(body.items.map(({ action }: { action: string }) => action), ['projects.warn', 'projects.warn', 'projects.expire', 'projects.announce-release', 'projects.announce-release', 'projects.announce-release', 'projects.release']);
  t.like(body.items[2], { project_id: project.id, on: addDays(project.endDate, 1), time_zone: 'UTC' });
  t.deepEqual((await api.call(`${path}?days=5`, { token: its.boss.token })).body.items.length, 1);
  t.deepEqual((await api.call(path, { token: its.stranger.token })).body.items, []);
  for (const days of ['0', '-1', '1.5', '100000']) t.is((await api.call(`${path}?days=${days}`, { token: its.boss.token })).status, 400);
});
