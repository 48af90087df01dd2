import test from 'ava';
import { alibabaPermissions } from './alibaba-permissions.ts';

test('the policy allows what the list of permissions names, and no more', (t) => {
  const { document, permissions } = alibabaPermissions('1234567890123456');
  const allowed = document.Statement.flatMap(({ Action }) => Action).sort();
  t.deepEqual(allowed, [...new Set(permissions.map(({ name }) => name))].sort());
});

test('instances are allowed in the account alone, once it is known', (t) => {
  const resourcesOf = (accountId: string | null) => alibabaPermissions(accountId).document.Statement.map(({ Resource }) => Resource);
  t.deepEqual(resourcesOf('1234567890123456'), [['*'], ['acs:ecs:*:1234567890123456:instance/*']]);
  t.deepEqual(resourcesOf(null), [['*'], ['acs:ecs:*:*:instance/*']]);
});
