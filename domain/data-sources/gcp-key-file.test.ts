import test from 'ava';
import { DomainError } from '../shared/errors.ts';
import { readKeyFile } from './gcp-key-file.ts';

const file = {
  type: 'service_account',
  project_id: 'acme-prod',
  private_key_id: '0123',
  private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  client_email: 'orrery@acme-prod.iam.gserviceaccount.com',
  client_id: '1',
};

test('a key file is read as an object and as its text, and tells its project', (t) => {
  const expected = {
    credentials: { kind: 'service-account-key' as const, client_email: file.client_email, private_key: file.private_key, private_key_id: '0123' },
    projectId: 'acme-prod',
  };
  t.deepEqual(readKeyFile(file), expected);
  t.deepEqual(readKeyFile(JSON.stringify(file)), expected);
});

const refused: [string, string | Record<string, unknown>][] = [
  ['text that is no JSON', `${JSON.stringify(file)}}`],
  ['a list', '[]'],
  ["a person's own credentials", { ...file, type: 'authorized_user' }],
  ['a file without its key', { type: 'service_account', client_email: file.client_email }],
];
for (const [what, key] of refused) {
  test(`${what} is refused by its field, and nothing of it is quoted`, (t) => {
    const error = t.throws(() => readKeyFile(key), { instanceOf: DomainError });
    t.deepEqual([error.code, error.fields[0]?.field], ['gcp.malformed-key', 'credentials.key']);
    t.false(error.message.includes('AAAA') || error.message.includes('acme-prod'));
  });
}
