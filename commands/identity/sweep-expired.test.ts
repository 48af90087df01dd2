import test from 'ava';
import { startTestApi } from '../../tests/helpers/api.ts';
import { hashPassword } from './passwords.ts';
import { sweepExpired } from './sweep-expired.ts';

const DAY = 86_400_000;

test('what has ended goes, what has not stays', async (t) => {
  const api = await startTestApi();
  t.teardown(api.end);
  const { email, token } = await api.person({ passwordHash: await hashPassword('correct horse battery') });
  const tokenBody = { name: 'x', scopes: ['read'], expires_at: null };
  await api.call('/v1/tokens', { method: 'POST', token, body: tokenBody, headers: { 'Idempotency-Key': 'old' } });
  await api.call('/v1/session', { method: 'POST', body: { email, password: 'wrong' } });
  await api.call('/v1/session', { method: 'POST', body: { email, password: 'correct horse battery' } });
  await api.call('/v1/session', { method: 'POST', body: { email, password: 'wrong' } });
  const rows = async () =>
    await Promise.all(['idempotency_records', 'sessions', 'login_attempts'].map(async (table) => (await api.db(table).select('*')).length));
  t.is(await sweepExpired(api.db, api.clock.now()), 0);
  t.deepEqual(await rows(), [1, 1, 2]);
  api.clock.forward(2 * DAY);
  t.is(await sweepExpired(api.db, api.clock.now()), 3);
  t.deepEqual(await rows(), [0, 1, 0]);
  api.clock.forward(31 * DAY);
  t.is(await sweepExpired(api.db, api.clock.now()), 1);
});
