import test, { type ExecutionContext } from 'ava';
import { notify } from '../../commands/notifications/port.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization } from '../helpers/connect.ts';
import { ownServers, type OwnServers } from '../helpers/own-servers.ts';
import { LOGIN, mailServer, type MailServer } from '../helpers/peers/mail-server.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { receiver, status, type Receiver } from '../helpers/receiver.ts';
import { aMember, aWebhook, deliveriesOf, logOf, publish } from '../helpers/webhook-site.ts';
import { startWorkerProcess, type WorkerProcess } from '../helpers/worker-process.ts';

interface World {
  servers: OwnServers;
  site: Platform;
  hooks: Receiver;
  mails: MailServer;
  /** Starts a process of workers. */
  begin(): Promise<void>;
  /** Kills it; `kills` are those that were asked for so far. */
  kill(): void;
  kills: Promise<void>[];
}

/** A platform on servers of its own. The mail server kills the workers while it takes the first mail. */
async function world(t: ExecutionContext): Promise<World> {
  const servers = await ownServers();
  const hooks = await receiver();
  let workers: WorkerProcess | null = null;
  const kills: Promise<void>[] = [];
  const kill = (): void => void kills.push(workers?.kill() ?? Promise.resolve());
  const mails: MailServer = await mailServer({
    onData(stream, session, done) {
      stream.resume().on('end', () => {
        mails.received.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw: '', secure: session.secure });
        if (mails.received.length === 1) kill();
        done(null, 'taken');
      });
    },
  });
  const mail = { kind: 'smtp' as const, host: '127.0.0.1', port: mails.port, security: 'starttls' as const, login: LOGIN, certificateAuthority: mails.authority, from: 'orrery@example.org' };
  const site = await platform((config) => ({ ...config, mail }), servers);
  t.teardown(async () => {
    await workers?.kill();
    await hooks.stop();
    await mails.stop();
    await site.end();
    await servers.stop();
  });
  const begin = async (): Promise<void> => {
    workers = startWorkerProcess(site.config);
    await workers.ready;
  };
  return { servers, site, hooks, mails, begin, kill, kills };
}

test('workers are killed between answer and record, and Temporal loses its database: each delivery and mail ends by name, nothing is recorded twice', async (t) => {
  t.timeout(240_000);
  const { servers, site, hooks, mails, begin, kill, kills } = await world(t);
  const organizationId = await anOrganization(site);
  const { id } = await aWebhook(site, systemClock, { organizationId, url: hooks.url });

  hooks.answers.push((response) => {
    kill();
    response.end('received');
  });
  await publish(site, systemClock, organizationId);
  await begin();
  await eventually(() => Promise.resolve(kills.length === 1), 'the first message');
  await Promise.all(kills);
  t.like((await deliveriesOf(site, id))[0], { state: 'pending', attempts: 0 });
  await begin();
  await eventually(async () => (await deliveriesOf(site, id))[0]?.state === 'delivered', 'the repeat', 90);
  t.is(new Set(hooks.messages.map(({ headers }) => headers['webhook-id'])).size, 1);
  t.is(hooks.messages.length, 2);
  t.is((await logOf(site, id)).length, 1);

  const to = { userIds: [await aMember(site, systemClock, organizationId, 'holder')], managers: false };
  await inTransaction(site.db, (tx) => notify(tx, { organizationId, kind: 'booking', key: '1', to, subject: 'Booked', text: '.', at: systemClock.now() }));
  await eventually(() => Promise.resolve(kills.length === 2), 'the first mail');
  await Promise.all(kills);
  t.like(await site.db('mails').first(), { state: 'pending', attempts: 0 });

  // With the mail half done, and a delivery that waits for its next attempt, Temporal forgets everything.
  hooks.answers.push(status(500));
  await publish(site, systemClock, organizationId);
  await servers.crashTemporal({ forget: true });
  await publish(site, systemClock, organizationId);
  await begin();
  await eventually(async () => (await site.db('mails').where({ state: 'sent' })).length === 1, 'the mail', 90);
  await eventually(async () => (await deliveriesOf(site, id)).every(({ outcome }) => outcome === 'delivered'), 'all deliveries', 90);
  t.is((await deliveriesOf(site, id)).length, 3);
  t.is(mails.received.length, 2);
  t.like(await site.db('mails').first(), { attempts: 1 });
  t.is((await site.db('ledger').where('action', 'like', 'notifications.mail-%')).length, 1);
  t.is((await site.db('ledger').where('action', 'webhooks.delivery-delivered')).length, 3);
});
