import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiTest } from '../../tests/helpers/api-test.ts';
import { sshPublicKey } from '../../tests/helpers/ssh-keys.ts';
import type { TestApi } from '../../tests/helpers/api.ts';

const test = apiTest();
const KEYS = '/v1/me/ssh-keys';

// GitHub's host key, and the fingerprint that GitHub publishes of it.
const KNOWN = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl octocat';
const KNOWN_FINGERPRINT = 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU';

const add = (api: TestApi, token: string, body: Record<string, unknown>) => api.call(KEYS, { method: 'POST', token, body });

test('the first key is the default, and one key stays it', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const first = await add(api, token, { public_key: KNOWN });
  t.deepEqual([first.status, first.body.name, first.body.fingerprint, first.body.is_default], [201, 'octocat', KNOWN_FINGERPRINT, true]);
  const second = await add(api, token, { public_key: sshPublicKey(), name: 'Laptop' });
  t.deepEqual([second.body.name, second.body.is_default], ['Laptop', false]);
  const edit = (id: string, body: unknown) => api.call(`${KEYS}/${id}`, { method: 'PATCH', token, body });
  t.is((await edit(first.body.id, { is_default: false })).body.code, 'identity.ssh-key-default-stays');
  const remove = (id: string) => api.call(`${KEYS}/${id}`, { method: 'DELETE', token });
  t.is((await remove(first.body.id)).body.code, 'identity.ssh-key-is-default');
  t.true((await edit(second.body.id, { is_default: true })).body.is_default);
  const { body } = await api.call(KEYS, { token });
  t.deepEqual(body.items.map((key: { is_default: boolean }) => key.is_default), [false, true]);
  t.is((await remove(first.body.id)).status, 204);
  t.is((await remove(second.body.id)).status, 204);
});

test('a token for one organization changes no keys: they open the machines of every organization of its owner', async (t) => {
  const { api } = t.context;
  const organizationId = await api.organization();
  const { id: userId, token } = await api.member(organizationId, 'member');
  const { id } = (await add(api, token, { public_key: sshPublicKey() })).body;
  const limited = await api.token(userId, { scopes: ['admin'], organizationId });
  const refused = [
    await add(api, limited, { public_key: sshPublicKey(), is_default: true }),
    await api.call(`${KEYS}/${id}`, { method: 'PATCH', token: limited, body: { name: 'mine' } }),
    await api.call(`${KEYS}/${id}`, { method: 'DELETE', token: limited }),
  ];
  t.deepEqual(refused.map(({ status, body }) => [status, body.code]), refused.map(() => [403, 'identity.token-limited']));
  t.is((await add(api, await api.token(userId, { scopes: ['write'] }), { public_key: sshPublicKey() })).status, 201);
});

test('a person has a key once, whatever its comment; another person may have it too', async (t) => {
  const { api } = t.context;
  const [ada, bob] = [await api.person(), await api.person()];
  const line = sshPublicKey('one');
  t.is((await add(api, ada.token, { public_key: line })).status, 201);
  const again = await add(api, ada.token, { public_key: line.replace(/ one$/, ' two') });
  t.deepEqual([again.status, again.body.code], [409, 'identity.ssh-key-known']);
  const theirs = await add(api, bob.token, { public_key: line });
  t.is(theirs.status, 201);
  t.is((await api.call(`${KEYS}/${theirs.body.id}`, { token: ada.token })).status, 404);
});

test('keys added at the same time leave one default', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const added = await Promise.all(Array.from({ length: 6 }, () => add(api, token, { public_key: sshPublicKey(), is_default: true })));
  t.deepEqual(added.map(({ status }) => status), Array(6).fill(201));
  const { body } = await api.call(KEYS, { token });
  t.deepEqual([body.total, body.items.filter((key: { is_default: boolean }) => key.is_default).length], [6, 1]);
});

test('what is no public key, no safe one, or a private one is refused, and nothing of it is told', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const weak = mkdtempSync(join(tmpdir(), 'orrery-key-'));
  t.teardown(() => rmSync(weak, { recursive: true }));
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '1024', '-N', '', '-C', '', '-f', join(weak, 'rsa')]);
  const rsa = readFileSync(join(weak, 'rsa.pub'), 'utf8');
  for (const public_key of ['nonsense', 'ssh-ed25519 AAAA', 'ssh-ed25519 !!!!', `${KNOWN}\n${KNOWN}`, 'ssh-dss AAAAB3NzaC1kc3MAAACBA', pem, rsa]) {
    const reply = await add(api, token, { public_key });
    t.deepEqual([reply.status, reply.body.code, reply.body.fields[0].field], [400, 'identity.ssh-key-invalid', 'public_key'], public_key.slice(0, 40));
    t.false(JSON.stringify(reply.body).includes(public_key.slice(20, 60)) && public_key.length > 60);
  }
});

test('fingerprints are those of ssh-keygen, for every type it makes', async (t) => {
  const { api } = t.context;
  const { token } = await api.person();
  const directory = mkdtempSync(join(tmpdir(), 'orrery-key-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [type, bits] of [['rsa', '2048'], ['ecdsa', '256'], ['ecdsa', '521'], ['ed25519', '256']] as const) {
    const file = join(directory, `${type}${bits}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'a comment of words', '-f', file]);
    const shown = execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1];
    const { body } = await add(api, token, { public_key: readFileSync(`${file}.pub`, 'utf8') });
    t.is(body.fingerprint, shown);
    t.is(body.name, 'a comment of words');
    t.is(`${body.public_key} a comment of words\n`, readFileSync(`${file}.pub`, 'utf8'));
  }
});
