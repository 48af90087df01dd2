import { addDays } from '../../domain/projects/local-days.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { activate } from '../../tests/helpers/activate.ts';
import { apiTest } from '../../tests/helpers/api-test.ts';
import type { Person, Reply, TestApi } from '../../tests/helpers/api.ts';
import { insertEnvironment } from '../../tests/helpers/bookings.ts';
import { anApprovedProject } from '../../tests/helpers/projects.ts';

const test = apiTest();

interface Site {
  organizationId: string;
  boss: Person;
  engineer: Person;
  projects: { id: string; name: string; code: string }[];
  book(headers: Record<string, string>, body?: object): Promise<Reply>;
}

async function site(api: TestApi): Promise<Site> {
  const organizationId = await api.organization();
  const [boss, engineer] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'engineer')];
  const at = api.clock.now();
  const dates = { startDate: at.slice(0, 10), endDate: addDays(at.slice(0, 10), 30) };
  const people = { organizationId, managers: [boss.id], members: [engineer.id] };
  const projects = [await anApprovedProject(api.db, { ...people, ...dates, name: 'Iris' }, at), await anApprovedProject(api.db, { ...people, ...dates, name: 'Zeta' }, at)];
  const path = `/v1/organizations/${organizationId}/bookings`;
  return {
    organizationId,
    boss,
    engineer,
    projects,
    book: async (headers, body = {}) => {
      const environmentId = await insertEnvironment(api.db, organizationId, {}, api.clock.now());
      return await api.call(path, { method: 'POST', token: engineer.token, body: { environment_id: environmentId, ...body }, headers });
    },
  };
}

test('the header names the project of a call, and a body that says otherwise is refused', async (t) => {
  const { api } = t.context;
  const { projects, book } = await site(api);
  const [iris, zeta] = projects.map(({ id }) => id) as [string, string];
  const header = { 'Orrery-Project': iris };
  t.is((await book(header)).body.items[0].project_id, iris);
  t.is((await book(header, { project_id: iris })).body.items[0].project_id, iris);
  t.is((await book({}, { project_id: zeta })).body.items[0].project_id, zeta);
  t.is((await book({})).body.items[0].project_id, null);
  for (const said of [zeta, null]) {
    const reply = await book(header, { project_id: said });
    t.deepEqual([reply.status, reply.body.code, reply.body.fields[0].field], [400, 'projects.header-differs', 'project_id']);
  }
  t.is((await book({ 'Orrery-Project': 'iris' })).body.code, 'projects.malformed-header');
  t.is((await book({ 'Orrery-Project': newId('project') })).body.code, 'projects.no-such-project');
});

test('a repeated request under another project is another request', async (t) => {
  const { api } = t.context;
  const { organizationId, engineer, projects } = await site(api);
  const environmentId = await insertEnvironment(api.db, organizationId, {}, api.clock.now());
  const book = (project: string | undefined) =>
    api.call(`/v1/organizations/${organizationId}/bookings`, {
      method: 'POST',
      token: engineer.token,
      body: { environment_id: environmentId },
      headers: { 'Idempotency-Key': 'once', ...(project !== undefined && { 'Orrery-Project': project }) },
    });
  const first = await book(projects[0]?.id);
  t.deepEqual((await book(projects[0]?.id)).body, first.body);
  t.is((await book(projects[1]?.id)).body.code, 'request.idempotency-key-reused');
});

test('an application for more of a project takes it from the header too; one for a new project has none to name', async (t) => {
  const { api } = t.context;
  const { organizationId, projects, boss } = await site(api);
  const [iris, zeta] = projects.map(({ id }) => id) as [string, string];
  const apply = (body: object, headers = { 'Orrery-Project': iris }) => api.call(`/v1/organizations/${organizationId}/applications`, { method: 'POST', token: boss.token, body, headers });
  const longer = { type: 'period-extension', days: 7 };
  const more = { type: 'gpu-quota', additional_gpus: '1' };
  for (const wish of [longer, more]) {
    const differs = await apply({ ...wish, project_id: zeta });
    t.deepEqual([differs.status, differs.body.code, differs.body.fields[0].field], [400, 'projects.header-differs', 'project_id']);
    const made = await apply(wish);
    t.like([made.status, made.body.project?.id], [201, iris], JSON.stringify(made.body));
    t.is((await apply({ ...wish, project_id: zeta }, { 'Orrery-Project': '' })).body.project.id, zeta);
  }
  const today = api.clock.now().slice(0, 10);
  const wish = { type: 'project', name: 'Vega', start_date: addDays(today, 1), end_date: addDays(today, 9), time_zone: 'UTC', managers: [boss.id], quota: { gpu: '1', cpu: null, ram_gib: null } };
  t.is((await apply(wish)).status, 201);
  t.is((await apply({ ...wish, project_id: iris })).status, 400, 'it takes none');
  t.is((await apply(longer, { 'Orrery-Project': 'iris' })).body.code, 'projects.malformed-header');
});

test('who has not activated the service books nothing for a project', async (t) => {
  const { api } = t.context;
  const { organizationId, projects } = await site(api);
  const newcomer = await api.member(organizationId, 'engineer');
  await api.db('users').where('id', newcomer.id).update({ activation: 'not-activated', activation_requested_at: null, activated_at: null });
  const [project] = projects;
  await api.db('project_members').insert({ organization_id: organizationId, project_id: project?.id, user_id: newcomer.id, role: 'member' });
  const environmentId = await insertEnvironment(api.db, organizationId, {}, api.clock.now());
  const book = (headers: Record<string, string>) => api.call(`/v1/organizations/${organizationId}/bookings`, { method: 'POST', token: newcomer.token, body: { environment_id: environmentId }, headers });
  const refused = await book({ 'Orrery-Project': project?.id ?? '' });
  t.deepEqual([refused.status, refused.body.code], [403, 'identity.not-activated']);
  await activate(api.db, newcomer.id, api.clock.now());
  t.is((await book({ 'Orrery-Project': project?.id ?? '' })).status, 201);
});

test('a person sees their organizations and projects with their role in each', async (t) => {
  const { api } = t.context;
  const { organizationId, engineer, projects } = await site(api);
  const elsewhere = await api.organization('Elsewhere');
  const { body } = await api.call('/v1/me', { token: engineer.token });
  t.deepEqual(body.organizations, [{ id: organizationId, name: 'Acme', role: 'engineer' }]);
  t.deepEqual(
    body.projects,
    projects.map(({ id, code, name }) => ({ id, organization_id: organizationId, code, name, state: 'active', role: 'member' })),
  );
  const limited = await api.token(engineer.id, { organizationId: elsewhere });
  t.deepEqual((await api.call('/v1/me', { token: limited })).body.projects, []);
});

test('the header is documented where it is read', async (t) => {
  const { body } = await t.context.api.call('/openapi.json');
  const readers: string[] = [];
  for (const methods of Object.values(body.paths as Record<string, Record<string, { operationId: string; parameters?: { name: string }[] }>>)) {
    for (const { operationId, parameters = [] } of Object.values(methods)) if (parameters.some(({ name }) => name === 'Orrery-Project')) readers.push(operationId);
  }
  t.deepEqual(readers.toSorted(), ['apply', 'bookEnvironment']);
});
