import test from 'ava';
import { clockedApi } from '../helpers/clocked-api.ts';
import { mailServer } from '../helpers/peers/mail-server.ts';
import { platform } from '../helpers/platform.ts';
import { ledgerOf, lettersOf, projectSite, throughSmtp } from '../helpers/projects.ts';
import { untilQuiet } from '../helpers/travel.ts';

test('a deletion takes the code from the mail; it is taken back on day thirteen of its buffer, and not on day fifteen', async (t) => {
  t.timeout(240_000);
  const mails = await mailServer();
  const site = await platform((config) => ({ ...config, mail: throughSmtp(mails) }));
  t.teardown(async () => {
    await mails.stop();
    await site.end();
  });
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { lead } = world;
  const api = await clockedApi(site, world.clock);
  t.teardown(() => api.stop());
  // It ends today: the buffer is fourteen days from the later of the end and the deletion.
  const { id } = await world.project({ startDate: '2035-01-20', endDate: '2035-02-10', warnDays: [] });
  const path = `/v1/projects/${id}`;
  const remove = async (projectId: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    t.is((await api.call(lead, 'POST', `/v1/projects/${projectId}:request-deletion`, {})).status, 202);
    await untilQuiet(site, world.clock.now());
    const letter = lettersOf(mails).findLast(({ subject }) => subject.startsWith('Your code'));
    const code = /^(\d{6})\r?$/m.exec(letter?.raw ?? '')?.[1];
    return await api.call(lead, 'POST', `/v1/projects/${projectId}:delete`, { code });
  };
  await world.travelTo('2035-02-10T09:00:00.000Z');
  t.like(await remove(id), { status: 200, body: { state: 'buffer', state_reason: 'deleted', buffer: { ends_on: '2035-02-25' } } });
  const kept = await site.db('mails').where('kind', 'project-deletion').select('body', 'sealed_secret');
  t.false(kept.some(({ body }: { body: string }) => /\d{6}/.test(body)), 'the code left with the letter');
  t.true(kept.every(({ sealed_secret: secret }: { sealed_secret: unknown }) => secret === null));

  await world.travelTo('2035-02-24T09:00:00.000Z');
  const restored = await api.call(lead, 'POST', `${path}:restore`, {});
  t.like(restored, { status: 200, body: { state: 'buffer', state_reason: 'expired', buffer: { number: 2, ends_on: '2035-03-10' } } }, 'past the end, a full buffer');
  t.is((await api.call(lead, 'POST', `${path}:request-deletion`, {})).body.code, 'projects.not-deletable');

  const other = await world.project({ name: 'Other', startDate: '2035-02-24', endDate: '2035-02-24', warnDays: [] });
  await untilQuiet(site, world.clock.now());
  t.is((await world.read(other.id)).state, 'active');
  t.is((await remove(other.id)).status, 200);
  await world.travelTo('2035-03-11T09:00:00.000Z');
  t.is((await world.read(other.id)).state, 'deleted');
  t.is((await world.read(id)).state, 'released');
  t.is((await api.call(lead, 'POST', `/v1/projects/${other.id}:restore`, {})).body.code, 'projects.release-begun');
  t.deepEqual((await ledgerOf(site.db, other.id)).map(({ action }) => action).filter((action) => /^projects\.(delete|release|end-release)$/.test(action)), ['projects.delete', 'projects.release', 'projects.end-release']);
  const ids = lettersOf(mails).map((letter) => letter.id);
  t.is(new Set(ids).size, ids.length);
});
