import test from 'ava';
import { DomainError } from '../shared/errors.ts';
import type { CloudCredentials } from './cloud-credentials.ts';
import { checkedGcpInput } from './gcp-credentials.ts';
import { gcpPermissions } from './gcp-permissions.ts';

const key = {
  kind: 'service-account-key',
  client_email: 'orrery@acme-prod-4711.iam.gserviceaccount.com',
  private_key: `-----BEGIN PRIVATE KEY-----\n${'MIIEvQ+/'.repeat(8)}\n-----END PRIVATE KEY-----\n`,
} as const;

test('a connection means the project it names, else the one of the key', (t) => {
  t.is(checkedGcpInput({ account: 'acme-dev-12' }, key).projectId, 'acme-dev-12');
  t.is(checkedGcpInput({ account: 'example.com:old-project' }, key).projectId, 'example.com:old-project');
  t.is(checkedGcpInput({}, key).projectId, 'acme-prod-4711');
  t.is(checkedGcpInput({ account: 'acme-dev-12' }, { kind: 'default-chain' }).projectId, 'acme-dev-12');
});

for (const [what, account, credentials, field] of [
  ["a project's number", '123456789012', key, 'account'],
  ['a project with capitals', 'Acme-Prod', key, 'account'],
  ['no project beside credentials that name none', undefined, { kind: 'default-chain' }, 'account'],
  ['no project beside an account that Google made', undefined, { ...key, client_email: '123456789012-compute@developer.gserviceaccount.com' }, 'account'],
  ['the address of a person', 'acme-dev-12', { ...key, client_email: 'jo@example.com' }, 'client_email'],
  ['an address that only ends alike', 'acme-dev-12', { ...key, client_email: 'a@notgserviceaccount.com' }, 'client_email'],
  ['a key with its line breaks spelt out', 'acme-dev-12', { ...key, private_key: key.private_key.replaceAll('\n', String.raw`\n`) }, 'private_key'],
  ['a key that was cut', 'acme-dev-12', { ...key, private_key: key.private_key.slice(0, 60) }, 'private_key'],
  ['a public key', 'acme-dev-12', { ...key, private_key: key.private_key.replaceAll('PRIVATE', 'PUBLIC') }, 'private_key'],
  ["another cloud's credentials", 'acme-dev-12', { kind: 'access-key', access_key_id: 'x', access_key_secret: 'y' }, 'kind'],
] as [string, string | undefined, CloudCredentials, string][]) {
  test(`${what} is refused by its field, and not quoted`, (t) => {
    const error = t.throws(() => checkedGcpInput({ account }, credentials), { instanceOf: DomainError });
    t.deepEqual(error.fields.map((one) => one.field), [field]);
    t.is(error.kind, 'invalid-input');
    if ('private_key' in credentials) t.false(error.message.includes(credentials.private_key.slice(28, 48)));
  });
}

test('a key file from Windows and the older form of key are taken', (t) => {
  t.notThrows(() => checkedGcpInput({}, { ...key, private_key: key.private_key.replaceAll('\n', '\r\n') }));
  t.notThrows(() => checkedGcpInput({}, { ...key, private_key: key.private_key.replaceAll('PRIVATE', 'RSA PRIVATE') }));
});

test('no credentials at all are asked for', (t) => {
  t.throws(() => checkedGcpInput({ account: 'acme-dev-12' }, null), { code: 'data-sources.no-credentials' });
});

test('the role holds each permission once, in the form that gcloud takes', (t) => {
  const { document, permissions } = gcpPermissions();
  t.deepEqual(document.includedPermissions, [...new Set(permissions.map(({ name }) => name))].sort());
  t.deepEqual(Object.keys(document).sort(), ['description', 'includedPermissions', 'stage', 'title']);
  t.is(document.stage, 'GA');
});
