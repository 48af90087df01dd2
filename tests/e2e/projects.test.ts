import test, { type ExecutionContext } from 'ava';
import { clockedApi } from '../helpers/clocked-api.ts';
import { mailServer, type MailServer } from '../helpers/peers/mail-server.ts';
import { platform, type Platform } from '../helpers/platform.ts';
import { ledgerOf, lettersOf, projectSite, throughSmtp } from '../helpers/projects.ts';

/** Each letter about the project, once, in its order. */
function toldOnce(t: ExecutionContext, mails: MailServer): void {
  // What reviewers and applicants are told is told elsewhere.
  const letters = lettersOf(mails).filter(({ subject }) => /^(Iris|The resources of Iris)/.test(subject));
  t.deepEqual(letters.map(({ subject }) => subject.replace(/ \(P-[0-9A-Z-]+\)/, '')), [
    'Iris ends in 14 days', 'Iris ends in 7 days', 'Iris ends in 1 day', 'Iris has expired',
    'Iris ends in 14 days', 'Iris ends in 7 days', 'Iris ends in 1 day', 'Iris has expired',
    'The resources of Iris are released in 7 days', 'The resources of Iris are released in 3 days', 'The resources of Iris are released in 1 day', 'Iris has been released',
  ]);
  const ids = lettersOf(mails).map((letter) => letter.id);
  t.is(new Set(ids).size, ids.length, 'each Message-ID once');
  t.true(letters.some(({ raw }) => raw.includes('2035-04-15')), 'the date of the release is told');
}

async function recorded(t: ExecutionContext, db: Platform['db'], id: string): Promise<void> {
  const actions = (await ledgerOf(db, id)).map(({ action }) => action).filter((action) => action.startsWith('projects.') && !action.includes('warn') && !action.includes('announce'));
  t.deepEqual(actions, [
    'projects.apply', 'projects.approve', 'projects.start', 'projects.expire', 'projects.note-pending-extension', 'projects.extend', 'projects.expire',
    'projects.release', 'projects.release-part', 'projects.release-part', 'projects.end-release',
  ]);
}

test('an application by one person is approved by another; the project is warned of, expires, comes back, expires again and is released', async (t) => {
  t.timeout(240_000);
  const mails = await mailServer();
  const site = await platform((config) => ({ ...config, mail: throughSmtp(mails) }));
  t.teardown(async () => {
    await mails.stop();
    await site.end();
  });
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { db, organizationId, boss, lead } = world;
  const api = await clockedApi(site, world.clock);
  t.teardown(() => api.stop());

  const applications = `/v1/organizations/${organizationId}/applications`;
  const wish = { type: 'project', name: 'Iris', start_date: '2035-02-01', end_date: '2035-03-31', time_zone: 'Asia/Taipei', managers: [lead], quota: { gpu: '0.625', cpu: '4', ram_gib: '16' } };
  const applied = await api.call(lead, 'POST', applications, wish);
  t.is(applied.status, 201);
  const { id } = applied.body.project;
  const state = async (): Promise<string> => (await api.call(lead, 'GET', `/v1/projects/${id}`)).body.state;
  t.is(await state(), 'reviewing');
  t.is((await api.call(lead, 'POST', `/v1/applications/${applied.body.id}:approve`, {})).status, 403, 'nobody approves their own');
  t.is((await api.call(boss, 'POST', `/v1/applications/${applied.body.id}:approve`, { remark: 'go' })).status, 200);
  t.is(await state(), 'scheduled');

  await world.travelTo('2035-02-01T00:00:00.000Z');
  t.is(await state(), 'active');
  const described = await site.client.workflow.getHandle(`project/${id}`).describe();
  t.like(described.searchAttributes, { OrreryStatus: ['active'] });
  await world.travelTo('2035-04-05T00:00:00.000Z');
  t.is(await state(), 'buffer');
  const buffered = await api.call(lead, 'GET', `/v1/projects/${id}`);
  t.like(buffered.body, { next: { what: 'release', on: '2035-04-15' }, days_left: 10, buffer: { number: 1, reason: 'expired' } });

  const asked = await api.call(lead, 'POST', applications, { type: 'period-extension', project_id: id, days: 30, reason: 'more to do' });
  t.like(asked, { status: 201, body: { next_start_date: '2035-04-01', next_end_date: '2035-04-30' } });
  t.is((await api.call(boss, 'POST', `/v1/applications/${asked.body.id}:approve`, {})).status, 200);
  t.is(await state(), 'active');
  await world.travelTo('2035-05-20T00:00:00.000Z');
  t.is(await state(), 'released');
  t.like((await api.call(lead, 'GET', `/v1/projects/${id}/releases`)).body.parts, [{ owner: 'bookings', state: 'released', attempts: 1 }, { owner: 'quotas', state: 'released', attempts: 1 }]);

  toldOnce(t, mails);
  await recorded(t, db, id);
  t.like((await db('project_quotas').where('project_id', id).first()) as object, { gpu: '0.625000' });
  t.not((await db('project_quotas').where('project_id', id).first<{ released_at: string | null }>('released_at')).released_at, null);
  const ended = await site.client.workflow.getHandle(`project/${id}`).describe();
  t.is(ended.status.name, 'COMPLETED');
  t.regex(String(await site.client.workflow.getHandle(`project/${id}`).result()), /\*\*Project\*\* P-.*: released/);
});
