import test, { type ExecutionContext } from 'ava';
import { recordAttempt } from '../../commands/webhooks/record-attempt.ts';
import { openWebhookSecrets } from '../../commands/webhooks/edit-webhook.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { getWebhook } from '../../db/webhooks/webhook-store.ts';
import { signingSecrets } from '../../domain/webhooks/webhook.ts';
import { startTestApi, type Call, type Reply, type TestApi } from '../../tests/helpers/api.ts';
import { tester } from '../../tests/helpers/connect.ts';

interface Site {
  api: TestApi;
  organizationId: string;
  call(method: string, path: string, body?: unknown, headers?: Call['headers']): Promise<Reply>;
}

async function site(t: ExecutionContext): Promise<Site> {
  const api = await startTestApi();
  t.teardown(() => api.end());
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'manager');
  return { api, organizationId, call: (method, path, body, headers = {}) => api.call(path, { method, token, body, headers }) };
}

const WISH = { name: 'CI', url: 'https://hooks.example.org/a?key=1', events: ['booking.created'], headers: { Authorization: 'Bearer s3cret' } };

test('the secret is shown once, header values never, and an edit needs the version it read', async (t) => {
  const { api, organizationId, call } = await site(t);
  const created = await call('POST', `/v1/organizations/${organizationId}/webhooks`, WISH, { 'Idempotency-Key': 'one' });
  t.is(created.status, 201);
  t.regex(created.body.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  t.like(created.body.webhook, { status: 'active', header_names: ['Authorization'], url: WISH.url });
  t.is((await call('POST', `/v1/organizations/${organizationId}/webhooks`, WISH, { 'Idempotency-Key': 'one' })).status, 409);
  const path = `/v1/webhooks/${created.body.webhook.id}`;
  const read = await call('GET', path);
  const listed = await call('GET', `/v1/organizations/${organizationId}/webhooks?search=hooks&enabled=true`);
  t.is(listed.body.total, 1);
  t.notRegex(JSON.stringify([read.body, listed.body, await api.db('ledger'), await api.db('idempotency_records')]), /s3cret|whsec_/);
  t.is((await call('PATCH', path, { name: 'New' })).status, 428);
  const etag = read.headers.get('etag') ?? '';
  const edited = await call('PATCH', path, { name: 'New', headers: { 'X-Key': 'other-value' }, enabled: false }, { 'If-Match': etag });
  t.like(edited.body, { name: 'New', header_names: ['X-Key'], enabled: false, status: 'disabled', disabled_because: 'person' });
  t.is((await call('PATCH', path, { name: 'Newer' }, { 'If-Match': etag })).status, 412);
  t.deepEqual((await openWebhookSecrets(api.db, api.deps.vault, { organizationId, id: created.body.webhook.id })).headers, { 'X-Key': 'other-value' });
  t.is((await call('DELETE', path, undefined, { 'If-Match': '*' })).status, 204);
  t.is((await call('GET', path)).status, 404);
});

test('a URL, header or environment that may not be is refused by name', async (t) => {
  const { organizationId, call } = await site(t);
  const refused: [change: Record<string, unknown>, code: string, field: string][] = [
    [{ url: 'http://hooks.example.org' }, 'webhooks.url-refused', 'url'],
    [{ url: 'https://169.254.169.254/latest' }, 'webhooks.url-refused', 'url'],
    [{ headers: { Host: 'x.example' } }, 'webhooks.header-refused', 'headers.Host'],
    [{ headers: { 'webhook-signature': 'v1,x' } }, 'webhooks.header-refused', 'headers.webhook-signature'],
    [{ headers: { 'X-A': 'a\r\nX-B: b' } }, 'webhooks.header-refused', 'headers.X-A'],
    [{ headers: { 'X A': 'a' } }, 'webhooks.header-refused', 'headers.X A'],
    [{ headers: { 'x-a': '1', 'X-A': '2' } }, 'webhooks.header-refused', 'headers.x-a'],
    [{ environment_id: 'env_01h455vb4pex5vsknk084sn02q' }, 'webhooks.no-such-environment', 'environment_id'],
    [{ events: ['booking.exploded'] }, 'request.invalid', 'events.0'],
  ];
  for (const [change, code, field] of refused) {
    const { status, body } = await call('POST', `/v1/organizations/${organizationId}/webhooks`, { ...WISH, ...change });
    t.is(status, 400, field);
    t.is(body.code, code);
    t.is(body.fields[0].field, field);
  }
});

test('after a rotation both secrets sign until the old one’s time is over', async (t) => {
  const { api, organizationId, call } = await site(t);
  const created = await call('POST', `/v1/organizations/${organizationId}/webhooks`, WISH);
  const { id } = created.body.webhook;
  const signing = async (): Promise<string[]> => {
    const webhook = await getWebhook(api.db, organizationId, id);
    return signingSecrets(webhook ?? { previousSecretUntil: null }, await openWebhookSecrets(api.db, api.deps.vault, { organizationId, id }), api.clock.now());
  };
  const rotated = await call('POST', `/v1/webhooks/${id}:rotate-secret`, { previous_valid_hours: 2 });
  t.deepEqual(await signing(), [rotated.body.secret, created.body.secret]);
  api.clock.forward(2 * 3_600_000 + 1);
  t.deepEqual(await signing(), [rotated.body.secret]);
  t.is((await call('GET', `/v1/webhooks/${id}`)).body.previous_secret_until, null);
  const again = await call('POST', `/v1/webhooks/${id}:rotate-secret`, { previous_valid_hours: 0 });
  t.deepEqual(await signing(), [again.body.secret]);
});

test('a ping and a replay are deliveries of their own, with a log; what is under way is not replayed', async (t) => {
  const { api, organizationId, call } = await site(t);
  const { id } = (await call('POST', `/v1/organizations/${organizationId}/webhooks`, WISH)).body.webhook;
  const ping = await call('POST', `/v1/webhooks/${id}:ping`, {});
  t.is(ping.status, 202);
  t.like(ping.body, { event: 'webhook.ping', state: 'pending', attempts: 0 });
  t.is((await call('POST', `/v1/webhook-deliveries/${ping.body.id}:replay`, {})).body.code, 'webhooks.delivery-under-way');
  const attempt = { at: api.clock.now(), durationMs: 7, status: 500, answer: 'no', error: { code: 'webhooks.answered-error', kind: 'unavailable' as const, message: 'No.' }, retryAfterSeconds: null };
  const ref = { organizationId, id: ping.body.id as string, webhookId: id as string };
  const record = () => inTransaction(api.db, (tx) => recordAttempt(tx, ref, 1, attempt, { at: api.clock.now(), by: tester, outcomeKey: `${ref.id}/deliver/1` }));
  await record();
  // The repeat of an activity whose answer was lost.
  await record();
  const { body } = await call('GET', `/v1/webhook-deliveries/${ping.body.id}`);
  t.like(body.delivery, { state: 'failed', outcome: 'given-up', attempts: 1 });
  t.deepEqual(body.log.map((one: { status: number; answer: string }) => [one.status, one.answer]), [[500, 'no']]);
  t.like(JSON.parse(body.payload), { type: 'webhook.ping', data: { organization_id: organizationId } });
  const replay = await call('POST', `/v1/webhook-deliveries/${ping.body.id}:replay`, {});
  t.like(replay.body, { replay_of: ping.body.id, message_id: ping.body.message_id, state: 'pending' });
  t.deepEqual((await call('GET', `/v1/webhooks/${id}/deliveries?state=pending`)).body.items.map((one: { id: string }) => one.id), [replay.body.id]);
  await call('PATCH', `/v1/webhooks/${id}`, { enabled: false }, { 'If-Match': '*' });
  t.is((await call('POST', `/v1/webhooks/${id}:ping`, {})).body.code, 'webhooks.disabled');
});
