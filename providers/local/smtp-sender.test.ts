import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { OutgoingMail } from '../../domain/notifications/ports.ts';
import { LOGIN, mailServer, type MailServer } from '../../tests/helpers/peers/mail-server.ts';
import { createMailDirectory } from './mail-directory.ts';
import { createSmtpSender, type SmtpSettings } from './smtp-sender.ts';

const NEVER = new AbortController().signal;

function settings({ port, authority }: Pick<MailServer, 'port' | 'authority'>, change: Partial<SmtpSettings> = {}): SmtpSettings {
  const base = { host: '127.0.0.1', port, security: 'starttls' as const, login: LOGIN, certificateAuthority: authority };
  return { ...base, from: 'Orrery <orrery@example.org>', timeoutMs: 4_000, ...change };
}

function mail(change: Partial<OutgoingMail> = {}): OutgoingMail {
  const to = { name: 'Zoë "Z" O’Hara', address: 'zoe@example.net' };
  return { id: 'mail_1', messageKey: '0123abcd', to, subject: 'Gebucht: Prüfstand', text: 'Grüße\n.\nEnde\n', date: '2026-11-21T07:00:00.000Z', ...change };
}

async function start(t: ExecutionContext, ...options: Parameters<typeof mailServer>): Promise<MailServer> {
  const server = await mailServer(...options);
  t.teardown(() => server.stop());
  return server;
}

test('a mail goes by STARTTLS or implicit TLS, with login, and a repeat has the same Message-ID', async (t) => {
  const server = await start(t);
  const sender = createSmtpSender(settings(server));
  t.deepEqual(await sender.send(mail(), NEVER), { kind: 'sent', receipt: '250 queued as 1' });
  await sender.send(mail(), NEVER);
  const implicit = await start(t, { secure: true });
  t.like(await createSmtpSender(settings(implicit, { security: 'implicit' })).send(mail(), NEVER), { kind: 'sent' });
  t.deepEqual([...server.received, ...implicit.received].map(({ to, secure }) => ({ to, secure })), Array.from({ length: 3 }, () => ({ to: ['zoe@example.net'], secure: true })));
  for (const { raw } of [...server.received, ...implicit.received]) {
    t.regex(raw, /^Message-ID: <0123abcd@example\.org>\r$/m);
    t.regex(raw, /^Date: Sat, 21 Nov 2026 07:00:00 \+0000\r$/m);
    t.regex(raw, /^Auto-Submitted: auto-generated\r$/m);
    t.regex(raw, /^From: Orrery <orrery@example\.org>\r$/m);
  }
});

test('a wrong password, a server without STARTTLS and an untrusted certificate are the operator’s to put right: nothing is final, nothing is sent in clear', async (t) => {
  const server = await start(t);
  const failure = async (change: Partial<SmtpSettings>, of = server) => await createSmtpSender(settings(of, change)).send(mail(), NEVER);
  const wrong = await failure({ login: { user: 'orrery', password: 'wrong-secret' } });
  t.like(wrong, { kind: 'failed', final: null, error: { code: 'notifications.login-refused', details: { reply: 535 } } });
  t.notRegex(JSON.stringify(wrong), /wrong-secret|d3Jvbmct/);
  t.like(await failure({ certificateAuthority: null }), { final: null, error: { code: 'notifications.certificate-untrusted' } });
  t.like(await failure({ security: 'implicit' }), { final: null, error: { code: 'notifications.tls-failed' } });
  const plain = await start(t, { disabledCommands: ['STARTTLS'], authOptional: true });
  t.like(await failure({ login: null }, plain), { final: null, error: { code: 'notifications.tls-failed' } });
  t.deepEqual([...server.received, ...plain.received], []);
  t.like(await failure({ login: null, security: 'none' }, plain), { kind: 'sent' });
});

test('a passing refusal is for later, a final one is for this recipient alone', async (t) => {
  const server = await start(t);
  server.replies.set('slow@example.net', [450]).set('gone@example.net', [550]);
  const sender = createSmtpSender(settings(server));
  const to = (address: string) => sender.send(mail({ to: { name: '', address }, messageKey: address.slice(0, 4) }), NEVER);
  t.like(await to('slow@example.net'), { kind: 'failed', final: null, error: { code: 'notifications.put-off', details: { reply: 450 } } });
  t.like(await to('gone@example.net'), { kind: 'failed', final: 'rejected', error: { code: 'notifications.rejected', details: { reply: 550 } } });
  t.like(await to('zoe@example.net'), { kind: 'sent' });
  t.like(await to('slow@example.net'), { kind: 'sent' });
  t.deepEqual(server.received.map(({ to }) => to.join()), ['zoe@example.net', 'slow@example.net']);
  const refuses = (code: number): Promise<MailServer> =>
    start(t, {
      onData: (stream, _session, done) => void stream.on('end', () => done(Object.assign(new Error('says the test'), { responseCode: code }))).resume(),
    });
  t.like(await createSmtpSender(settings(await refuses(554))).send(mail(), NEVER), { final: 'rejected', error: { details: { reply: 554 } } });
  t.like(await createSmtpSender(settings(await refuses(452))).send(mail(), NEVER), { final: null, error: { code: 'notifications.put-off', details: { reply: 452 } } });
  const noSender = await start(t, { onMailFrom: (_from, _session, done) => done(Object.assign(new Error('not from you'), { responseCode: 550 })) });
  t.like(await createSmtpSender(settings(noSender)).send(mail(), NEVER), { final: null, error: { code: 'notifications.sender-refused' } });
});

test('a server that is down or silent is for later, and a stopped worker leaves no verdict', async (t) => {
  const server = await mailServer();
  await server.stop();
  const sender = createSmtpSender(settings(server, { timeoutMs: 800 }));
  t.like(await sender.send(mail(), NEVER), { final: null, error: { code: 'notifications.server-away', details: { reason: 'ECONNREFUSED' } } });
  const back = await start(t, {}, server.port);
  t.like(await createSmtpSender(settings(back)).send(mail(), NEVER), { kind: 'sent' });
  const silent = await start(t, { onMailFrom: () => undefined });
  t.like(await createSmtpSender(settings(silent, { timeoutMs: 600 })).send(mail(), NEVER), { final: null, error: { code: 'notifications.timed-out' } });
  const stop = new AbortController();
  const stopping = await start(t, { onMailFrom: () => stop.abort() });
  await t.throwsAsync(createSmtpSender(settings(stopping, { timeoutMs: 2_000 })).send(mail(), stop.signal), { name: 'AbortError' });
});

test('without a server a mail is a complete file for its owner alone, and a repeat leaves one', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'orrery-mail-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const directory = createMailDirectory({ path: join(path, 'mail'), from: 'orrery@localhost' });
  t.deepEqual(await directory.send(mail(), NEVER), { kind: 'sent', receipt: join(path, 'mail', 'mail_1.eml') });
  await directory.send(mail(), NEVER);
  t.deepEqual(readdirSync(join(path, 'mail')), ['mail_1.eml']);
  t.is(statSync(join(path, 'mail', 'mail_1.eml')).mode & 0o777, 0o600);
  const text = readFileSync(join(path, 'mail', 'mail_1.eml'), 'utf8');
  t.regex(text, /^Message-ID: <0123abcd@localhost>\r$/m);
  t.regex(text, /\r\n\r\nGr=C3=BC=C3=9Fe\r\n/);
  writeFileSync(join(path, 'file'), '');
  t.like(await createMailDirectory({ path: join(path, 'file'), from: 'orrery@localhost' }).send(mail(), NEVER), { kind: 'failed', final: null, error: { code: 'notifications.directory-failed' } });
});
