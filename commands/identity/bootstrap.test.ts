import test from 'ava';
import { toInstant } from '../../domain/shared/time.ts';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { bootstrapAdministrator, mintAdministratorToken } from './bootstrap.ts';
import { passwordMatches } from './passwords.ts';
import { hashSecret } from './secrets.ts';

const clock = { now: () => toInstant(Date.now()) };

test('an empty database gets one administrator, however many processes start on it', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const all = await Promise.all(Array.from({ length: 4 }, () => bootstrapAdministrator(db, clock, { withSample: true })));
  const [maker, ...others] = all.toSorted((a, b) => Number(b.created) - Number(a.created));
  t.is(maker?.created, true);
  for (const other of others) t.deepEqual(other, { created: false, userId: maker?.userId ?? '', organizationId: maker?.organizationId ?? '' });
  const users = await db('users').select('*');
  t.is(users.length, 1);
  t.is(users[0].activation, 'passed');
  t.truthy((await db('mailboxes').where({ user_id: users[0].id, is_primary: true }).first('verified_at')).verified_at);
  t.true(await passwordMatches(users[0].password_hash, maker?.password ?? ''));
  t.regex(users[0].password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  t.is((await db('organizations').first()).name, 'Demonstration');
  t.is((await db('memberships').first()).role, 'manager');
  t.is((await db('api_tokens').where('token_hash', hashSecret(maker?.token ?? ''))).length, 1);
});

test('whoever was killed before keeping the token gets another', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const first = await bootstrapAdministrator(db, clock, { withSample: false });
  const minted = await mintAdministratorToken(db, clock);
  t.deepEqual([minted.userId, minted.organizationId], [first.userId, first.organizationId]);
  t.not(minted.token, first.token);
  t.is((await db('api_tokens').whereIn('token_hash', [first.token, minted.token].map((token) => hashSecret(token ?? '')))).length, 2);
});

test('a database with people but no administrator is named as such', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  await bootstrapAdministrator(db, clock, { withSample: false });
  await db('users').update({ disabled_at: clock.now() });
  await t.throwsAsync(mintAdministratorToken(db, clock), { message: /no platform administrator/ });
});
