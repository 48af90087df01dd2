import type { ExecutionContext } from 'ava';
import { newId } from '../../commands/shared/new-id.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, Reply, TestApi } from '../../tests/helpers/api.ts';
import { plusDays } from '../../domain/shared/time.ts';

const test = apiTest();

interface Cast {
  api: TestApi;
  organizationId: string;
  boss: Person;
  ada: Person;
  /** The UTC date of today, and later ones. */
  day(later: number): string;
  post(by: Person, path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  get(by: Person, path: string): Promise<Reply>;
  /** What a project is applied for with. */
  wish(changes?: object): object;
  apply(by: Person, changes?: object): Promise<Reply['body']>;
}

async function cast(t: ExecutionContext<{ api: TestApi }>): Promise<Cast> {
  const { api } = t.context;
  const organizationId = await api.organization();
  const [boss, ada] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'member')];
  const day: Cast['day'] = (later) => plusDays(api.clock.now().slice(0, 10), later);
  const post: Cast['post'] = (by, path, body, headers = {}) => api.call(path, { method: 'POST', token: by.token, body, headers });
  const wish: Cast['wish'] = (changes = {}) => ({
    type: 'project', name: 'Iris', start_date: day(1), end_date: day(30), time_zone: 'Asia/Taipei', managers: [ada.id], quota: { gpu: '1', cpu: null, ram_gib: null }, ...changes,
  });
  return {
    api, organizationId, boss, ada, day, post, wish,
    get: (by, path) => api.call(path, { token: by.token }),
    async apply(by, changes = {}) {
      const reply = await post(by, `/v1/organizations/${organizationId}/applications`, wish(changes));
      if (reply.status !== 201) throw new Error(JSON.stringify(reply.body));
      return reply.body;
    },
  };
}

test('one person applies, another approves, and both see how it stands and what they can do', async (t) => {
  const { organizationId, boss, ada, day, post, get, apply } = await cast(t);
  const made = await apply(ada, { reason: 'to learn' });
  t.like(made, { type: 'project', status: 'reviewing', applicant: { id: ada.id, email: ada.email }, start_date: day(1), end_date: day(30), reason: 'to learn', allowed_actions: ['revoke'], workflow_id: `application/${made.id}` });
  t.regex(made.project.code, /^P-/);
  const listed = await get(boss, `/v1/organizations/${organizationId}/applications?status=reviewing`);
  t.like(listed.body, { total: 1, displayed: 1, items: [{ id: made.id, allowed_actions: ['approve', 'decline', 'delegate'] }] });
  const approved = await post(boss, `/v1/applications/${made.id}:approve`, { remark: 'fine' });
  t.like(approved.body, { status: 'approved', remark: 'fine', decided_as: 'manager', allowed_actions: [] });
  t.like((await get(ada, `/v1/applications/${made.id}`)).body, { status: 'approved', remark: 'fine' });
  const again = await post(boss, `/v1/applications/${made.id}:decline`, { remark: 'no' });
  t.is(again.status, 409);
  t.is(again.body.code, 'applications.decided');
});

test('a description is as long as it may be when it is applied for, and ever after', async (t) => {
  const { api, organizationId, boss, ada, post, apply, wish } = await cast(t);
  const [longest, longer] = ['x'.repeat(5_000), 'x'.repeat(5_001)];
  const { id, project } = await apply(ada, { description: longest });
  t.is((await post(ada, `/v1/organizations/${organizationId}/applications`, wish({ description: longer }))).status, 400);
  t.is((await post(boss, `/v1/applications/${id}:approve`, { remark: '' })).status, 200);
  const edit = (description: string) => api.call(`/v1/projects/${project.id}`, { method: 'PATCH', token: ada.token, body: { description }, headers: { 'If-Match': '*' } });
  t.is((await edit(longer)).status, 400);
  t.is((await edit(longest.replace('x', 'y'))).status, 200);
});

test.serial('an extension approved over an end that nobody has seen first lets the project expire, then takes it out of its buffer', async (t) => {
  const { api, organizationId, boss, ada, post, day, apply } = await cast(t);
  const { id, project } = await apply(ada, { start_date: day(0), end_date: day(2), time_zone: 'UTC' });
  t.is((await post(boss, `/v1/applications/${id}:approve`, {})).status, 200);
  const extension = await post(ada, `/v1/organizations/${organizationId}/applications`, { type: 'period-extension', project_id: project.id, days: 20 });
  api.clock.forward(5 * 86_400_000);
  t.is((await post(boss, `/v1/applications/${extension.body.id}:approve`, {})).body.status, 'approved');
  const steps = await api.db('ledger').where('subject', project.id).whereLike('action', 'projects.%').orderBy('id').select('action', 'before', 'after');
  t.deepEqual(steps.slice(-2).map(({ action, before, after }) => [action, before.state, after.state]), [['projects.expire', 'active', 'buffer'], ['projects.extend', 'buffer', 'active']]);
  t.is((await api.db('mails').where({ organization_id: organizationId, kind: 'project' }).whereLike('subject', '%has expired%')).length, 1);
});

test('a platform administrator may act, and it stands there', async (t) => {
  const { api, organizationId, ada, post, apply } = await cast(t);
  const root = await api.person({ platformAdministrator: true });
  const { id } = await apply(ada);
  t.like((await post(root, `/v1/applications/${id}:approve`, {})).body, { status: 'approved', decided_as: 'platform-administrator' });
  const [entry] = await api.db('ledger').where({ organization_id: organizationId, subject: id, action: 'applications.approve' }).select('actor_id', 'after');
  t.like(entry, { actor_id: root.id, after: { decidedAs: 'platform-administrator' } });
});

test('people see their own applications and those of projects that they manage, and no others', async (t) => {
  const { api, organizationId, boss, ada, get, post, apply } = await cast(t);
  const [lead, stranger] = [await api.member(organizationId, 'engineer'), await api.member(organizationId, 'engineer')];
  const { id } = await apply(ada, { managers: [lead.id], members: [stranger.id] });
  const all = `/v1/organizations/${organizationId}/applications`;
  for (const [who, total] of [[ada, 1], [lead, 1], [boss, 1], [stranger, 0]] as const) {
    t.is((await get(who, all)).body.total, total);
    t.is((await get(who, `/v1/applications/${id}`)).status, total === 1 ? 200 : 404);
  }
  t.is((await post(stranger, `/v1/applications/${id}:revoke`, { confirmed: true })).status, 404);
  const notHers = await post(lead, `/v1/applications/${id}:revoke`, { confirmed: true });
  t.like([notHers.status, notHers.body.code], [403, 'applications.not-yours']);
  t.is((await post(lead, `/v1/applications/${id}:approve`, {})).status, 403);
});

test('a revocation is confirmed, and refused once somebody has decided', async (t) => {
  const { boss, ada, post, apply } = await cast(t);
  const [first, second] = [await apply(ada), await apply(ada)];
  for (const body of [{}, { confirmed: false }]) {
    const reply = await post(ada, `/v1/applications/${first.id}:revoke`, body);
    t.like([reply.status, reply.body.fields[0].field], [400, 'confirmed']);
  }
  t.is((await post(ada, `/v1/applications/${first.id}:revoke`, { confirmed: true })).body.status, 'revoked');
  await post(boss, `/v1/applications/${second.id}:decline`, { remark: 'no' });
  const late = await post(ada, `/v1/applications/${second.id}:revoke`, { confirmed: true });
  t.like([late.status, late.body.code, late.body.details.state], [409, 'applications.decided', 'declined']);
});

test('the list is filtered, searched, sorted and paged', async (t) => {
  const { api, organizationId, boss, ada, get, post, apply } = await cast(t);
  const bob = await api.member(organizationId, 'member');
  // A project's code is random, and holds neither L nor U.
  const names = ['Cod', 'Bull', 'Anchovy'];
  for (const name of names) await apply(name === 'Cod' ? bob : ada, { name });
  const { id, project } = await apply(ada, { name: 'Dull' });
  await post(boss, `/v1/applications/${id}:approve`, {});
  const list = async (query: string): Promise<string[]> => {
    const reply = await get(boss, `/v1/organizations/${organizationId}/applications?${query}`);
    t.is(reply.status, 200, JSON.stringify(reply.body));
    return reply.body.items.map((item: { project: { name: string } }) => item.project.name);
  };
  t.deepEqual(await list('sort=project_name'), ['Anchovy', 'Bull', 'Cod', 'Dull']);
  t.deepEqual(await list(''), ['Dull', 'Anchovy', 'Bull', 'Cod']);
  t.deepEqual(await list('sort=project_name&status=reviewing&status=approved&type=project&search=ULL'), ['Bull', 'Dull']);
  t.deepEqual(await list(`search=${project.code}`), ['Dull']);
  t.deepEqual(await list(`applicant_user_id=${bob.id}`), ['Cod']);
  t.deepEqual(await list(`project_id=${project.id}&type=gpu-quota`), []);
  for (const sort of ['application_date', '-application_date', 'project_name', '-project_name', 'applicant', '-type', 'status']) {
    const whole = await list(`sort=${sort}`);
    const pages: string[] = [];
    let token = '';
    do {
      const { body } = await get(boss, `/v1/organizations/${organizationId}/applications?sort=${sort}&page_size=1${token}`);
      t.like(body, { total: 4, displayed: 1 });
      pages.push(body.items[0].project.name);
      token = body.next_page_token === null ? '' : `&page_token=${body.next_page_token}`;
    } while (token !== '');
    t.deepEqual(pages, whole, sort);
  }
});

test('managers of a project apply for more days and GPUs; the dates to come are shown before', async (t) => {
  const { organizationId, boss, ada, day, post, get, apply } = await cast(t);
  const { id, project } = await apply(ada);
  await post(boss, `/v1/applications/${id}:approve`, {});
  const preview = await get(ada, `/v1/projects/${project.id}/extension-preview?days=7`);
  t.like(preview.body, { end_date: day(30), next_start_date: day(31), next_end_date: day(37), minimum_days: 1 });
  const none = await get(ada, `/v1/projects/${project.id}/extension-preview?days=0`);
  t.like([none.status, none.body.code, none.body.details.minimum_days], [400, 'projects.extension-too-short', 1]);
  const path = `/v1/organizations/${organizationId}/applications`;
  const extension = await post(ada, path, { type: 'period-extension', project_id: project.id, days: 7, reason: 'not done' });
  t.like(extension.body, { type: 'period-extension', extension_days: 7, next_start_date: day(31), next_end_date: day(37) });
  t.is((await post(ada, path, { type: 'period-extension', project_id: project.id, days: 7 })).body.code, 'applications.already-open');
  const gpus = await post(ada, path, { type: 'gpu-quota', project_id: project.id, additional_gpus: '0.625' });
  t.like(gpus.body, { additional_gpus: '0.625', old_gpus: '1', new_gpus: '1.625' });
  t.is((await post(boss, path, { type: 'gpu-quota', project_id: project.id, additional_gpus: '1' })).status, 403);
  const many = await post(boss, `/v1/organizations/${organizationId}/applications:approve`, { ids: [gpus.body.id, extension.body.id, id] });
  t.deepEqual(many.body.counts, { approved: 2, refused: 1 });
  t.like(many.body.items[2], { id, outcome: 'refused', status: 409, application: null, error: { code: 'applications.decided' } });
  t.deepEqual((await get(boss, path)).body.items.map((item: { status: string }) => item.status), ['approved', 'approved', 'approved']);
});

test('what is wrong is named field by field', async (t) => {
  const { organizationId, boss, ada, day, post, wish, apply } = await cast(t);
  const { project } = await apply(ada);
  const path = `/v1/organizations/${organizationId}/applications`;
  const refusals: [object, number, string, string?][] = [
    [wish({ type: 'holiday' }), 400, 'request.invalid', 'type'],
    [wish({ start_date: '2026-02-30' }), 400, 'request.invalid', 'start_date'],
    [wish({ end_date: day(0) }), 400, 'projects.end-before-start', 'end_date'],
    [wish({ start_date: day(-3) }), 400, 'applications.start-in-past', 'start_date'],
    [wish({ time_zone: 'Mars/Olympus' }), 400, 'projects.unknown-time-zone', 'time_zone'],
    [wish({ managers: [] }), 400, 'projects.no-manager', 'managers'],
    [wish({ managers: [newId('user')] }), 400, 'projects.unknown-people', 'managers'],
    [wish({ quota: { gpu: 1, cpu: null, ram_gib: null } }), 400, 'request.invalid', 'quota.gpu'],
    [wish({ quota: { gpu: '-1', cpu: null, ram_gib: null } }), 400, 'quotas.negative-amount', 'quota.gpu'],
    [wish({ quota: { gpu: '0.1234567', cpu: null, ram_gib: null } }), 400, 'quotas.too-many-decimals', 'quota.gpu'],
    [wish({ purpose_id: newId('project-purpose') }), 400, 'purposes.no-such-purpose', 'purpose_id'],
    [{ type: 'period-extension', project_id: newId('project'), days: 3 }, 404, 'project.not-found'],
    [{ type: 'period-extension', project_id: project.id, days: 3 }, 409, 'projects.not-extendable'],
    [{ type: 'period-extension', project_id: project.id, days: 1.5 }, 400, 'request.invalid', 'days'],
    [{ type: 'gpu-quota', project_id: project.id, additional_gpus: '1' }, 409, 'projects.no-more-quota'],
    [{ type: 'gpu-quota', project_id: project.id, additional_gpus: 'many' }, 400, 'quotas.not-a-decimal', 'additional_gpus'],
  ];
  for (const [body, status, code, field] of refusals) {
    const reply = await post(ada, path, body);
    t.like([reply.status, reply.body.code], [status, code], JSON.stringify(reply.body));
    if (field !== undefined) t.is(reply.body.fields[0].field, field);
  }
  t.is((await post(boss, `/v1/organizations/${organizationId}/applications:decline`, { ids: [], remark: 'no' })).body.fields[0].field, 'ids');
});

test('a request that is sent again with its key applies once', async (t) => {
  const { organizationId, ada, boss, post, get, wish } = await cast(t);
  const path = `/v1/organizations/${organizationId}/applications`;
  const headers = { 'Idempotency-Key': 'once' };
  const [first, second] = [await post(ada, path, wish(), headers), await post(ada, path, wish(), headers)];
  t.deepEqual(first.body, second.body);
  t.is((await get(ada, path)).body.total, 1);
  const approval = `/v1/applications/${first.body.id}:approve`;
  const [one, two] = [await post(boss, approval, {}, headers), await post(boss, approval, {}, headers)];
  t.deepEqual([one.status, one.body.version], [two.status, two.body.version]);
});

test('purposes are defined, edited by who read them, taken out of use, and deleted only where no project has them', async (t) => {
  const { api, organizationId, boss, ada, get, post, apply } = await cast(t);
  const path = `/v1/organizations/${organizationId}/project-purposes`;
  const made = await post(boss, path, { name: 'Training', max_gpu: '3.000', max_days: 90 });
  t.like(made.body, { name: 'Training', max_gpu: '3', max_cpu: null, max_days: 90, active: true, version: 1 });
  t.is((await post(boss, path, { name: 'training' })).body.code, 'purposes.name-taken');
  t.is((await post(boss, path, { name: 'Odd', max_gpu: '-3' })).body.fields[0].field, 'max_gpu');
  t.is((await post(ada, path, { name: 'Mine' })).status, 403);
  const one = `/v1/project-purposes/${made.body.id}`;
  const send = (method: string, version: string, body?: object) => api.call(one, { method, token: boss.token, body, headers: { 'If-Match': version } });
  t.is((await send('PATCH', '"1"', { max_days: 30 })).body.version, 2);
  t.is((await send('PATCH', '"1"', { max_days: 60 })).status, 412);
  await apply(ada, { purpose_id: made.body.id });
  const used = await send('DELETE', '"2"');
  t.like([used.status, used.body.code, used.body.details.projects], [409, 'purposes.in-use', 1]);
  t.is((await send('PATCH', '"2"', { active: false })).body.active, false);
  t.is((await get(ada, `${path}?active=true`)).body.total, 0);
  const spare = await post(boss, path, { name: 'Spare' });
  t.is((await api.call(`/v1/project-purposes/${spare.body.id}`, { method: 'DELETE', token: boss.token, headers: { 'If-Match': '*' } })).status, 204);
  t.deepEqual((await get(ada, path)).body.items.map((item: { name: string }) => item.name), ['Training']);
});

test('an organization states how long its reviews wait', async (t) => {
  const { api, organizationId, boss, ada, get, apply } = await cast(t);
  const path = `/v1/organizations/${organizationId}/review-settings`;
  t.like((await get(ada, path)).body, { escalate_after_days: 3, expire_after_days: 30 });
  const send = (by: Person, body: object, version = '"1"') => api.call(path, { method: 'PATCH', token: by.token, body, headers: { 'If-Match': version } });
  t.is((await send(ada, { escalate_after_days: 1 })).status, 403);
  t.is((await send(boss, { escalate_after_days: 30 })).body.code, 'review-settings.escalates-too-late');
  t.like((await send(boss, { escalate_after_days: 1, expire_after_days: 2 })).body, { escalate_after_days: 1, version: 2 });
  t.is((await send(boss, { escalate_after_days: 1 })).status, 412);
  const made = await apply(ada);
  t.is(Date.parse(made.expires_at) - Date.parse(made.application_date), 2 * 86_400_000);
  t.is(Date.parse(made.escalates_at) - Date.parse(made.application_date), 86_400_000);
});

test('whoever is refused for want of room is told the first date that fits, and the application waits on', async (t) => {
  const { api, organizationId, boss, ada, day, post, get, apply } = await cast(t);
  const stated = await api.call(`/v1/organizations/${organizationId}/quota-capacity`, { method: 'PUT', token: boss.token, body: { gpu: '1', cpu: null, ram_gib: null, prices: null }, headers: { 'If-Match': '*' } });
  t.is(stated.status, 200, JSON.stringify(stated.body));
  const [first, second] = [await apply(ada), await apply(ada)];
  t.is((await post(boss, `/v1/applications/${first.id}:approve`, {})).status, 200);
  const refused = await post(boss, `/v1/applications/${second.id}:approve`, {});
  t.like([refused.status, refused.body.code], [422, 'quotas.no-room']);
  // Thirty days from tomorrow on, then fourteen days of buffer.
  t.like(refused.body.details, { first_fit_date: day(45), time_zone: 'Asia/Taipei' });
  const waiting = (await get(ada, `/v1/applications/${second.id}`)).body;
  t.like(waiting, { status: 'reviewing', no_room: { first_fit_date: day(45) }, version: 2 });
  // Asked again, by himself and among others: nothing is written, and nobody is told again.
  t.is((await post(boss, `/v1/applications/${second.id}:approve`, {})).body.code, 'quotas.no-room');
  const many = await post(boss, `/v1/organizations/${organizationId}/applications:approve`, { ids: [second.id] });
  t.like(many.body.items, [{ outcome: 'refused', error: { code: 'quotas.no-room' } }]);
  t.deepEqual((await get(ada, `/v1/applications/${second.id}`)).body, waiting);
  const mails = await api.db('mails').where({ organization_id: organizationId, user_id: ada.id }).whereLike('subject', 'No room yet%').select<{ body: string }[]>('body');
  t.is(mails.length, 1);
  t.true(mails[0]?.body.includes(`The first date from which it fits is ${day(45)} (Asia/Taipei).`));
  t.is((await api.db('ledger').where({ subject: second.id, action: 'applications.note-no-room' })).length, 1);
});
