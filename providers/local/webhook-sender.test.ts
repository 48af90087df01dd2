import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Webhook } from 'standardwebhooks';
import type { OutgoingMessage } from '../../domain/webhooks/ports.ts';
import { makeLoopbackCertificate } from '../../tests/helpers/peers/azure/certificate.ts';
import { createWebhookSender, type WebhookSenderSettings } from './webhook-sender.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OLD_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const LOOPBACK: WebhookSenderSettings = { allowHttp: true, allowedNetworks: ['127.0.0.1/32'], certificateAuthority: null };
const NEVER = new AbortController().signal;

interface Receiver {
  url: string;
  port: number;
  requests: { headers: IncomingMessage['headers']; body: string }[];
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

async function receiver(t: ExecutionContext, answer: Answer, secure: { key: string; cert: string } | null = null): Promise<Receiver> {
  const requests: Receiver['requests'] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(response, request);
    });
  };
  const server: Server = secure === null ? createServer(listener) : createTlsServer(secure, listener);
  // On every address of this machine: a connection to a refused one would be seen.
  server.listen(0);
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http${secure === null ? '' : 's'}://127.0.0.1:${port}/hook`, port, requests };
}

function message(url: string, change: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { url, messageId: 'whd_1', payload: '{"type":"booking.created","note":"ä"}', at: new Date().toISOString(), secrets: [SECRET], headers: {}, ...change };
}

test('a message carries a signature of each valid secret, which the published library verifies', async (t) => {
  const { url, requests } = await receiver(t, (response) => response.end('thanks'));
  const attempt = await createWebhookSender(LOOPBACK).send(message(url, { secrets: [SECRET, OLD_SECRET], headers: { Authorization: 'Bearer abcdef' } }), NEVER);
  t.like(attempt, { status: 200, answer: 'thanks', error: null });
  const [request] = requests;
  t.is(request?.headers.authorization, 'Bearer abcdef');
  t.is(request?.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
  const headers = request?.headers as Record<string, string>;
  for (const secret of [SECRET, OLD_SECRET]) t.like(new Webhook(secret).verify(request?.body ?? '', headers), { type: 'booking.created', note: 'ä' });
  t.throws(() => new Webhook(`whsec_${Buffer.alloc(32, 1).toString('base64')}`).verify(request?.body ?? '', headers));
  t.throws(() => new Webhook(SECRET).verify(`${request?.body} `, headers));
});

test('what a receiver answers other than 2xx is a failure, and a redirect is not followed', async (t) => {
  const target = await receiver(t, (response) => response.end());
  const { url } = await receiver(t, (response, request) => {
    const status = Number(request.headers['x-status']);
    response.writeHead(status, { location: target.url, 'retry-after': '120' }).end('no');
  });
  const send = (status: number) => createWebhookSender(LOOPBACK).send(message(url, { headers: { 'x-status': String(status) } }), NEVER);
  t.like(await send(302), { status: 302, error: { code: 'webhooks.redirected' } });
  t.like(await send(307), { status: 307, error: { code: 'webhooks.redirected' } });
  t.like(await send(410), { status: 410, error: { code: 'webhooks.gone' } });
  t.like(await send(503), { status: 503, answer: 'no', retryAfterSeconds: 120, error: { code: 'webhooks.answered-error' } });
  t.is(target.requests.length, 0);
});

test('a receiver that hangs, resets, talks nonsense or is not there is a named failure', async (t) => {
  const sender = createWebhookSender({ ...LOOPBACK, timeoutMs: 300 });
  const hangs = await receiver(t, () => undefined);
  t.like(await sender.send(message(hangs.url), NEVER), { status: null, error: { code: 'webhooks.timed-out' } });
  const resets = await receiver(t, (response) => response.socket?.resetAndDestroy());
  t.like(await sender.send(message(resets.url), NEVER), { error: { code: 'webhooks.connection-reset' } });
  const nonsense = await receiver(t, (response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'));
  t.like(await sender.send(message(nonsense.url), NEVER), { error: { code: 'webhooks.not-http' } });
  t.like(await sender.send(message('http://127.0.0.1:1/'), NEVER), { error: { code: 'webhooks.not-reachable' } });
  const unknown = createWebhookSender({ ...LOOPBACK, resolve: (_name, answer) => answer(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []) });
  t.like(await unknown.send(message('http://nowhere.example/'), NEVER), { error: { code: 'webhooks.name-not-resolved' } });
});

test('of an answer of 10 MB only the beginning is read, and 2xx counts though the rest never comes', async (t) => {
  let written = 0;
  const { url } = await receiver(t, (response) => {
    const chunk = Buffer.alloc(64 * 1024, 'a');
    const more = (): void => {
      while (written < 10 * 1024 * 1024 && !response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    more();
  });
  const large = await createWebhookSender(LOOPBACK).send(message(url), NEVER);
  t.like(large, { status: 200, error: null });
  t.is(large.answer?.length, 4096);
  t.true(written < 10 * 1024 * 1024, `${written} bytes were taken`);
  const endless = await receiver(t, (response) => void response.writeHead(202).write('so far'));
  const cut = await createWebhookSender({ ...LOOPBACK, timeoutMs: 300 }).send(message(endless.url), NEVER);
  t.like(cut, { status: 202, error: null });
  t.regex(cut.answer ?? '', /^so far/);
});

test('secrets that a receiver echoes are masked, and what a text column cannot hold is replaced', async (t) => {
  const { url } = await receiver(t, (response, request) => response.end(`${request.headers.authorization} ${String(request.headers['x-key'])} ${SECRET} \0 ${SECRET.slice(6)} \uD83D`));
  const { answer } = await createWebhookSender(LOOPBACK).send(message(url, { headers: { authorization: 'Bearer s3cret-token', 'x-key': 'abcd' } }), NEVER);
  t.is(answer, '[masked] [masked] [masked] � [masked] �');
});

test('a name is judged by the address of the very connection, so one that changes to another address gets nothing', async (t) => {
  const answers = ['127.0.0.1', '127.0.0.2', '169.254.169.254'];
  const { port, requests } = await receiver(t, (response) => response.end());
  const rebinding = createWebhookSender({
    ...LOOPBACK,
    resolve: (_name, answer) => answer(null, [{ address: answers.shift() ?? '', family: 4 }]),
  });
  const url = `http://rebind.example:${port}/`;
  t.like(await rebinding.send(message(url), NEVER), { status: 200 });
  t.like(await rebinding.send(message(url), NEVER), { status: null, error: { code: 'webhooks.address-refused' } });
  t.like(await rebinding.send(message(url), NEVER), { status: null, error: { code: 'webhooks.address-refused' } });
  const mixed = createWebhookSender({ ...LOOPBACK, resolve: (_name, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }, { address: '10.0.0.1', family: 4 }]) });
  t.like(await mixed.send(message(url), NEVER), { error: { code: 'webhooks.address-refused' } });
  // Names of this machine go the way of all names; addresses in a URL are never resolved and judged as they are.
  t.like(await createWebhookSender({ ...LOOPBACK, allowedNetworks: [] }).send(message(`http://localhost:${port}/`), NEVER), { error: { code: 'webhooks.address-refused' } });
  t.like(await createWebhookSender(LOOPBACK).send(message(`http://127.0.0.2:${port}/`), NEVER), { error: { code: 'webhooks.address-refused' } });
  t.like(await createWebhookSender({ ...LOOPBACK, allowHttp: false }).send(message(`http://127.0.0.1:${port}/`), NEVER), { error: { code: 'webhooks.address-refused' } });
  t.is(requests.length, 1);
});

test('TLS is verified: an unknown authority and a wrong name are refused', async (t) => {
  const { authority, ...pair } = await makeLoopbackCertificate();
  const { url, port, requests } = await receiver(t, (response) => response.end(), pair);
  t.like(await createWebhookSender(LOOPBACK).send(message(url), NEVER), { error: { code: 'webhooks.tls-failed' } });
  const trusting = { ...LOOPBACK, certificateAuthority: authority };
  t.like(await createWebhookSender(trusting).send(message(url), NEVER), { status: 200, error: null });
  const wrongName = createWebhookSender({ ...trusting, resolve: (_name, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }]) });
  t.like(await wrongName.send(message(`https://other.example:${port}/`), NEVER), { error: { code: 'webhooks.tls-failed' } });
  t.is(requests.length, 1);
});

test('a worker that stops ends the attempt without a verdict', async (t) => {
  const stop = new AbortController();
  const { url } = await receiver(t, () => stop.abort(new Error('the worker stops')));
  await t.throwsAsync(createWebhookSender(LOOPBACK).send(message(url), stop.signal), { message: 'the worker stops' });
});
