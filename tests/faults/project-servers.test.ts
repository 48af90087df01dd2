import test from 'ava';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { projectEntity } from '../../commands/projects/project-entity.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { insertPerson } from '../helpers/bookings.ts';
import { anOrganization } from '../helpers/connect.ts';
import { soak } from '../helpers/environment.ts';
import { ownServers, type OwnServers } from '../helpers/own-servers.ts';
import { mailServer } from '../helpers/peers/mail-server.ts';
import { eventually, platform } from '../helpers/platform.ts';
import { anApprovedProject, ledgerOf, lettersOf, projectSite, throughSmtp } from '../helpers/projects.ts';
import { randomOf } from '../helpers/random.ts';
import { startWorkerProcess } from '../helpers/worker-process.ts';

let servers: OwnServers;
test.before(async () => {
  servers = await ownServers({ virtualTime: true });
});
test.after.always(() => servers?.stop());

test.serial('Temporal loses its database while a project is in its buffer: everything goes on, and each thing happens once', async (t) => {
  t.timeout(240_000);
  const mails = await mailServer();
  const site = await platform((config) => ({ ...config, mail: throughSmtp(mails) }), servers);
  t.teardown(async () => {
    await mails.stop();
    await site.end();
  });
  const world = await projectSite(t, site, '2035-01-20T00:00:00.000Z');
  const { id } = await world.project();
  await world.travelTo('2035-04-09T00:00:00.000Z');
  t.is((await world.read(id)).state, 'buffer');
  await world.halt();
  await servers.crashTemporal({ forget: true });
  await world.begin();
  await world.travelTo('2035-04-16T00:00:00.000Z');
  t.is((await world.read(id)).state, 'released');
  const actions = (await ledgerOf(world.db, id)).map(({ action }) => action);
  for (const once of ['projects.start', 'projects.expire', 'projects.release', 'projects.end-release', 'quotas.release-grant']) t.is(actions.filter((one) => one === once).length, 1, once);
  const letters = lettersOf(mails);
  t.is(letters.length, 8);
  t.is(new Set(letters.map((letter) => letter.id)).size, 8);
});

test.serial('workers are killed again and again while projects are released: each is released once, each mail exists once', async (t) => {
  t.timeout(600_000);
  const mails = await mailServer();
  const site = await platform((config) => ({ ...config, mail: throughSmtp(mails) }), servers);
  let workers = startWorkerProcess(site.config);
  t.teardown(async () => {
    await workers.kill();
    await mails.stop();
    await site.end();
  });
  const { db } = site;
  const organizationId = await anOrganization(site);
  const started = '2026-01-01T00:00:00.000Z';
  const { userId: lead } = await insertPerson(db, organizationId, 'engineer', started);
  const ids: string[] = [];
  for (let count = 0; count < (soak ? 60 : 12); count += 1) {
    const project = await anApprovedProject(db, { organizationId, managers: [lead], startDate: '2026-01-01', endDate: '2026-01-31', warnDays: [] }, started);
    // Their buffers end while nobody works: all are due when workers come.
    for (const at of ['2026-02-01T00:00:00.000Z', '2026-02-14T12:00:00.000Z']) await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id: project.id }, at));
    ids.push(project.id);
  }
  const random = randomOf(7);
  const open = (): Promise<unknown[]> => db('projects').whereNot('state', 'released').select('id');
  for (let kill = 0; kill < (soak ? 40 : 5); kill += 1) {
    await workers.ready;
    await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 900)));
    await workers.kill();
    workers = startWorkerProcess(site.config);
  }
  await eventually(async () => (await open()).length === 0, 'every release', 240);
  await eventually(async () => (await db('mails').where('state', 'pending')).length === 0, 'every mail', 120);
  for (const id of ids) {
    const actions = (await ledgerOf(db, id)).map(({ action }) => action);
    for (const once of ['projects.release', 'projects.end-release', 'quotas.release-grant']) t.is(actions.filter((one) => one === once).length, 1, `${id} ${once}`);
    t.is(actions.filter((one) => one === 'projects.release-part').length, 2);
  }
  // A kill between the server's word and the record may repeat a mail, under the same Message-ID.
  t.is(new Set(lettersOf(mails).map((letter) => letter.id)).size, (await db('mails')).length);
  t.is((await db('mails').whereLike('subject', '%has been released')).length, ids.length);
  t.is((await db('mails').whereLike('subject', '%has expired')).length, ids.length);
});
