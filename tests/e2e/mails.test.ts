import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { notify, type Notice } from '../../commands/notifications/port.ts';
import type { Config } from '../../config.ts';
import { saveSwitches } from '../../db/notifications/switch-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds, type Clock } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { anOrganization } from '../helpers/connect.ts';
import { LOGIN, mailServer, type MailServer } from '../helpers/peers/mail-server.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { testClock } from '../helpers/test-clock.ts';
import { travel, untilQuiet } from '../helpers/travel.ts';
import { aMember } from '../helpers/webhook-site.ts';

async function start(t: ExecutionContext, mail?: Config['mail']): Promise<Platform> {
  const site = await platform((config) => ({ ...config, ...(mail !== undefined && { mail }) }));
  t.teardown(() => site.end());
  return site;
}

function smtp({ port, authority }: Pick<MailServer, 'port' | 'authority'>): Config['mail'] {
  return { kind: 'smtp', host: '127.0.0.1', port, security: 'starttls', login: LOGIN, certificateAuthority: authority, from: 'Orrery <orrery@example.org>' };
}

async function tell(site: Platform, clock: Clock, notice: Pick<Notice, 'organizationId' | 'to'> & Partial<Notice>): Promise<void> {
  const whole = { kind: 'booking' as const, key: 'bkg_1/created/1', subject: 'Booked: GPU\nBcc: x@example.com', text: 'From 8 to 9.', at: clock.now(), ...notice };
  await inTransaction(site.db, (tx) => notify(tx, whole));
}

const mailsOf = (site: Platform): Promise<{ state: string; outcome: string | null; attempts: number; last_error: { code: string } | null }[]> =>
  site.db('mails').join('users', 'users.id', 'mails.user_id').orderBy('email').select('state', 'outcome', 'attempts', 'last_error');

test('a notice becomes one mail a person, whoever names them how often, and none for who does not want it', async (t) => {
  const site = await start(t);
  const workers = await site.startWorkers();
  t.teardown(() => workers.stop());
  const organizationId = await anOrganization(site);
  const elsewhere = await anOrganization(site, 'Other');
  const [holder, manager, silent, gone] = [
    await aMember(site, systemClock, organizationId, 'holder'),
    await aMember(site, systemClock, organizationId, 'manager', 'manager'),
    await aMember(site, systemClock, organizationId, 'silent', 'manager'),
    await aMember(site, systemClock, organizationId, 'gone', 'manager'),
  ];
  await aMember(site, systemClock, elsewhere, 'stranger', 'manager');
  await site.db('users').where({ id: gone }).update({ disabled_at: systemClock.now() });
  await inTransaction(site.db, (tx) => saveSwitches(tx, silent, { booking: false }));
  const to = { userIds: [holder, holder, manager, silent], managers: true };
  await tell(site, systemClock, { organizationId, to });
  await tell(site, systemClock, { organizationId, to });
  await eventually(async () => (await site.db('mails').where({ state: 'sent' })).length === 2, 'two mails', 150);
  t.is((await site.db('mails')).length, 2);
  const files = readdirSync(join(site.directory, 'mail'));
  t.is(files.length, 2);
  const texts = files.map((file) => readFileSync(join(site.directory, 'mail', file), 'utf8'));
  t.deepEqual(texts.map((text) => String(/^To: (.*)\r$/m.exec(text)?.[1])).sort(), ['holder <holder@example.net>', 'manager <manager@example.net>']);
  for (const text of texts) t.regex(text, /^Subject: Booked: GPU Bcc: x@example\.com\r$/m);
  await tell(site, systemClock, { organizationId, kind: 'booking-release', key: 'bkg_1/released/2', to: { userIds: [silent], managers: false } });
  await eventually(async () => (await site.db('mails').where({ user_id: silent, state: 'sent' })).length === 1, 'a mail of a kind that is on');
  const histories = await Promise.all((await site.db('mails').pluck<string[]>('id')).map((id) => site.client.workflow.getHandle(`mail/${id}`).fetchHistory()));
  t.notRegex(JSON.stringify(histories), /example\.net|From 8 to 9/);
  t.notRegex(JSON.stringify(await site.db('ledger').where('action', 'like', 'notifications.%')), /example\.net|From 8 to 9|GPU/);
});

test('a server that is down is tried again until it is back; a refused recipient holds up nobody', async (t) => {
  const clock = testClock('2035-06-01T08:00:00.000Z');
  const away = await mailServer();
  await away.stop();
  // The certificate is made anew with each server: trust is arranged once, with the port that comes back.
  const site = await start(t, smtp(away));
  let workers = await site.startWorkers(clock);
  t.teardown(() => workers.stop());
  const organizationId = await anOrganization(site);
  const userIds = [await aMember(site, clock, organizationId, 'greylisted'), await aMember(site, clock, organizationId, 'refused'), await aMember(site, clock, organizationId, 'taken')];
  await tell(site, clock, { organizationId, to: { userIds, managers: false } });
  await untilQuiet(site, clock.now());
  t.deepEqual((await mailsOf(site)).map(({ state, attempts, last_error: error }) => `${state} ${attempts} ${error?.code}`), Array.from({ length: 3 }, () => 'pending 1 notifications.server-away'));
  const back = await mailServer({}, away.port);
  t.teardown(() => back.stop());
  await workers.stop();
  site.config.mail = smtp(back);
  workers = await site.startWorkers(clock);
  back.replies.set('greylisted@example.net', [450]).set('refused@example.net', [550]);
  await travel(site, clock, plusMilliseconds(clock.now(), 61_000));
  t.deepEqual((await mailsOf(site)).map(({ state, outcome, attempts }) => `${state} ${outcome} ${attempts}`), ['pending null 2', 'failed rejected 2', 'sent sent 2']);
  await travel(site, clock, plusMilliseconds(clock.now(), 3_600_000));
  t.deepEqual((await mailsOf(site)).map(({ outcome }) => outcome), ['sent', 'rejected', 'sent']);
  t.deepEqual(back.received.map(({ to }) => to.join()).sort(), ['greylisted@example.net', 'taken@example.net']);
});

test('where mail is not set up, and where the account is disabled meanwhile, a mail ends by name', async (t) => {
  const site = await start(t, { kind: 'none' });
  const organizationId = await anOrganization(site);
  const userIds = [await aMember(site, systemClock, organizationId, 'here'), await aMember(site, systemClock, organizationId, 'leaving')];
  await tell(site, systemClock, { organizationId, to: { userIds, managers: false } });
  await site.db('users').where({ id: userIds[1] }).update({ disabled_at: systemClock.now() });
  const workers = await site.startWorkers();
  t.teardown(() => workers.stop());
  await eventually(async () => (await site.db('mails').where({ state: 'pending' })).length === 0, 'their ends', 150);
  t.deepEqual((await mailsOf(site)).map(({ outcome, last_error: error }) => `${outcome} ${error?.code}`), ['not-configured notifications.not-configured', 'recipient-gone undefined']);
});
