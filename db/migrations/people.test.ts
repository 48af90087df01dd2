import test from 'ava';
import { freshDatabase } from '../../tests/helpers/database.ts';
import * as people from './20261121113000-people.ts';

const AT = '2026-11-21T08:00:00.000Z';

test('accounts from before have their address as a verified primary mailbox and are not activated; there is a way back', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  await people.down(db);
  const id = 'usr_01h2xcejqtf2nbrexx3vqjhp41';
  await db('users').insert({ id, email: 'ada@example.org', display_name: 'Ada', created_at: AT, last_at: AT });
  await people.up(db);
  t.like(await db('mailboxes').first(), { id: 'mbx_01h2xcejqtf2nbrexx3vqjhp41', user_id: id, address: 'ada@example.org', is_primary: true, verified_at: AT, notices: true });
  t.like(await db('users').first(), { activation: 'not-activated', category: 'personal', color_scheme: 'system', language: null });
});
