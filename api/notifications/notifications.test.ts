import test from 'ava';
import { notify } from '../../commands/notifications/port.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { NOTICE_KINDS } from '../../domain/notifications/mail.ts';
import { startTestApi } from '../../tests/helpers/api.ts';

test('each person switches their own kinds; managers see what became of mails, not their texts', async (t) => {
  const api = await startTestApi();
  t.teardown(() => api.end());
  const organizationId = await api.organization();
  const [manager, member] = [await api.member(organizationId, 'manager'), await api.member(organizationId, 'member')];
  const mine = await api.call('/v1/me/notifications', { token: member.token });
  t.deepEqual(mine.body, { email: Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, true])) });
  const off = await api.call('/v1/me/notifications', { method: 'PATCH', token: member.token, body: { email: { environment: false } } });
  t.like(off.body.email, { booking: true, environment: false });
  t.is((await api.call('/v1/me/notifications', { method: 'PATCH', token: member.token, body: { email: { gossip: false } } })).status, 400);
  t.true((await api.call('/v1/me/notifications', { token: manager.token })).body.email.environment);
  const to = { userIds: [member.id], managers: true };
  for (const kind of ['environment', 'booking'] as const) {
    await inTransaction(api.db, (tx) => notify(tx, { organizationId, kind, key: `${kind}/1`, to, subject: `About ${kind}`, text: 'Confidential.', at: api.clock.now() }));
  }
  const path = `/v1/organizations/${organizationId}/mails`;
  const listed = await api.call(path, { token: manager.token });
  t.deepEqual(
    listed.body.items.map((mail: { kind: string; recipient: { email: string } }) => `${mail.kind} ${mail.recipient.email}`).sort(),
    [`booking ${manager.email}`, `booking ${member.email}`, `environment ${manager.email}`].sort(),
  );
  t.notRegex(JSON.stringify(listed.body), /Confidential/);
  t.is((await api.call(`${path}?user_id=${member.id}&state=pending`, { token: manager.token })).body.total, 1);
  t.is((await api.call(path, { token: member.token })).status, 403);
});
