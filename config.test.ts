import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { ConfigError, loadConfig, requiredVariables } from './config.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');

const minimal = {
  DATABASE_URL: 'postgres://orrery@db:5432/orrery',
  TEMPORAL_ADDRESS: 'temporal:7233',
  TEMPORAL_NAMESPACE: 'default',
  ORRERY_SECRET_KEY: key(1),
  ORRERY_HOST: '127.0.0.1',
  ORRERY_PORT: '8080',
  ORRERY_PUBLIC_URL: 'https://orrery.example.org/',
  ORRERY_RAW_STORE: '/var/lib/orrery/raw',
  ORRERY_SPOOL_DIRECTORY: '/var/lib/orrery/spool',
};

function problemsOf(env: Record<string, string | undefined>): Record<string, string> {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return Object.fromEntries(error.problems.map((p) => [p.variable, p.problem]));
    throw error;
  }
  return {};
}

function inDirectory<T>(run: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'orrery-config-'));
  try {
    return run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the required variables are enough, and the optional ones have their documented values', (t) => {
  const config = loadConfig(minimal);
  t.deepEqual(config.temporal, { address: 'temporal:7233', namespace: 'default', tls: false, apiKey: null });
  t.deepEqual(config.http, { host: '127.0.0.1', port: 8080, publicUrl: 'https://orrery.example.org' });
  t.deepEqual(config.rawStore, { kind: 'directory', path: '/var/lib/orrery/raw' });
  t.deepEqual(config.importRoots, []);
  t.deepEqual(config.webhooks, { allowHttp: false, allowedNetworks: [], certificateAuthority: null });
  t.deepEqual(config.mail, { kind: 'none' });
  t.is(config.duckdbMemory, '512MB');
  t.is(config.taskQueuePrefix, '');
  t.deepEqual(config.secretKeys, { current: Buffer.alloc(32, 1), previous: [] });
});

for (const variable of requiredVariables) {
  test(`without ${variable} it refuses, naming it and a remedy`, (t) => {
    t.regex(problemsOf({ ...minimal, [variable]: undefined })[variable] ?? '', /^is not set; give .+/);
    t.regex(problemsOf({ ...minimal, [variable]: '' })[variable] ?? '', /^is not set; give .+/);
  });
}

test('every problem is listed at once, and the message names each variable', (t) => {
  const env = { ...minimal, ORRERY_PORT: 'eighty', TEMPORAL_ADDRESS: 'https://temporal:7233', ORRERY_LOG_LEVEL: 'loud' };
  t.deepEqual(Object.keys(problemsOf(env)).sort(), ['ORRERY_LOG_LEVEL', 'ORRERY_PORT', 'TEMPORAL_ADDRESS']);
  t.throws(() => loadConfig(env), { instanceOf: ConfigError, message: /ORRERY_LOG_LEVEL: must be one of trace, debug/ });
});

const refused: [name: string, change: Record<string, string>, variable: string, problem: RegExp][] = [
  ['a port above 65535', { ORRERY_PORT: '70000' }, 'ORRERY_PORT', /above 65535/],
  ['a database that is not PostgreSQL', { DATABASE_URL: 'mysql://db/orrery' }, 'DATABASE_URL', /postgres:\/\//],
  ['a relative raw store', { ORRERY_RAW_STORE: 'raw' }, 'ORRERY_RAW_STORE', /absolute path or s3/],
  ['a relative import root', { ORRERY_IMPORT_ROOTS: '/bills:bills' }, 'ORRERY_IMPORT_ROOTS', /^bills is not an absolute path/],
  ['a secret key that is too short', { ORRERY_SECRET_KEY: 'c2hvcnQ=' }, 'ORRERY_SECRET_KEY', /32 bytes/],
  ['a bad previous key', { ORRERY_SECRET_KEYS_PREVIOUS: `${key(2)},x` }, 'ORRERY_SECRET_KEYS_PREVIOUS', /32 bytes/],
  ['a key beside a key file', { ORRERY_SECRET_KEY_FILE: '/etc/key' }, 'ORRERY_SECRET_KEY', /both set/],
  ['an API key in clear text', { TEMPORAL_API_KEY: 'k' }, 'TEMPORAL_API_KEY', /TEMPORAL_TLS=true/],
  ['a TLS setting without TLS', { TEMPORAL_TLS_SERVER_NAME: 'x' }, 'TEMPORAL_TLS_SERVER_NAME', /TEMPORAL_TLS=true/],
  ['an unreadable certificate', { TEMPORAL_TLS: 'true', TEMPORAL_TLS_SERVER_CA: '/nowhere.pem' }, 'TEMPORAL_TLS_SERVER_CA', /ENOENT/],
  ['a misspelt setting', { ORRERY_IMPORT_ROOT: '/bills' }, 'ORRERY_IMPORT_ROOT', /is not a setting/],
  ['a webhook network that is none', { ORRERY_WEBHOOK_NETWORKS: '10.0.0.0/8,10.0.0.0/33' }, 'ORRERY_WEBHOOK_NETWORKS', /^10\.0\.0\.0\/33 is no network/],
  ['a mail server that is no SMTP URL', { ORRERY_SMTP_URL: 'mail.example.org', ORRERY_MAIL_FROM: 'a@example.org' }, 'ORRERY_SMTP_URL', /smtp:\/\//],
  ['a mail server without a sender', { ORRERY_SMTP_URL: 'smtp://mail.example.org' }, 'ORRERY_MAIL_FROM', /is not set/],
  ['a sender that is no address', { ORRERY_MAIL_FROM: 'Orrery' }, 'ORRERY_MAIL_FROM', /must be an address/],
  ['a mail password in clear text', { ORRERY_SMTP_URL: 'smtp://a:b@mail.example.org', ORRERY_MAIL_FROM: 'a@example.org', ORRERY_SMTP_STARTTLS: 'never' }, 'ORRERY_SMTP_STARTTLS', /clear text/],
  ['a mail setting without a mail server', { ORRERY_SMTP_STARTTLS: 'required' }, 'ORRERY_SMTP_STARTTLS', /ORRERY_SMTP_URL/],
  ['a mail directory beside a server', { ORRERY_SMTP_URL: 'smtps://mail.example.org', ORRERY_MAIL_FROM: 'a@example.org', ORRERY_MAIL_DIRECTORY: '/mail' }, 'ORRERY_MAIL_DIRECTORY', /both set/],
  ['a login provider over plain http', { ORRERY_OIDC_ISSUER: 'http://login.example.org', ORRERY_OIDC_CLIENT_ID: 'orrery' }, 'ORRERY_OIDC_ISSUER', /https/],
  ['a login provider that is no URL', { ORRERY_OIDC_ISSUER: 'login.example.org', ORRERY_OIDC_CLIENT_ID: 'orrery' }, 'ORRERY_OIDC_ISSUER', /https/],
  ['a login provider without a client', { ORRERY_OIDC_ISSUER: 'https://login.example.org' }, 'ORRERY_OIDC_CLIENT_ID', /is not set/],
  ['a client without a login provider', { ORRERY_OIDC_CLIENT_SECRET: 'hunter2' }, 'ORRERY_OIDC_CLIENT_SECRET', /ORRERY_OIDC_ISSUER/],
  ['a sign-up that is none', { ORRERY_OIDC_SIGN_UP: 'everybody' }, 'ORRERY_OIDC_SIGN_UP', /invited or anyone/],
  ['a memory limit without a unit', { ORRERY_DUCKDB_MEMORY: '512' }, 'ORRERY_DUCKDB_MEMORY', /512MB/],
];

for (const [name, change, variable, problem] of refused) {
  test(`${name} is refused`, (t) => {
    const problems = problemsOf({ ...minimal, ...change });
    t.deepEqual(Object.keys(problems), [variable]);
    t.regex(problems[variable] ?? '', problem);
  });
}

test('a problem with a secret never quotes the secret', (t) => {
  const error = t.throws(() => loadConfig({ ...minimal, ORRERY_SECRET_KEY: 'hunter2hunter2' }));
  t.notRegex(error.message, /hunter2/);
});

test('a key file gives the current key on its first line and the replaced ones below', (t) => {
  inDirectory((directory) => {
    const path = join(directory, 'key');
    writeFileSync(path, `${key(1)}\n${key(2)}\n`, { mode: 0o600 });
    const env = { ...minimal, ORRERY_SECRET_KEY: undefined, ORRERY_SECRET_KEY_FILE: path, ORRERY_SECRET_KEYS_PREVIOUS: key(3) };
    t.deepEqual(loadConfig(env).secretKeys, { current: Buffer.alloc(32, 1), previous: [Buffer.alloc(32, 2), Buffer.alloc(32, 3)] });
    chmodSync(path, 0o644);
    t.regex(problemsOf(env).ORRERY_SECRET_KEY_FILE ?? '', /chmod 600/);
  });
});

test('Temporal Cloud settings become the TLS options of the SDK', (t) => {
  inDirectory((directory) => {
    const pem = join(directory, 'client.pem');
    writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n');
    const tls = { TEMPORAL_TLS: 'true', TEMPORAL_TLS_CLIENT_CERT: pem };
    t.regex(problemsOf({ ...minimal, ...tls }).TEMPORAL_TLS_CLIENT_KEY ?? '', /needs both/);
    const config = loadConfig({ ...minimal, ...tls, TEMPORAL_TLS_CLIENT_KEY: pem, TEMPORAL_API_KEY: 'k' });
    const content = Buffer.from('-----BEGIN CERTIFICATE-----\n');
    t.deepEqual(config.temporal.tls, { clientCertPair: { crt: content, key: content } });
    t.is(config.temporal.apiKey, 'k');
  });
});

test('a mail server’s URL says host, port, encryption and login', (t) => {
  const mailOf = (env: Record<string, string>) => loadConfig({ ...minimal, ORRERY_MAIL_FROM: 'Orrery <orrery@example.org>', ...env }).mail;
  const server = { kind: 'smtp', host: 'mail.example.org', port: 587, security: 'starttls', login: null, certificateAuthority: null, from: 'Orrery <orrery@example.org>' };
  t.deepEqual(mailOf({ ORRERY_SMTP_URL: 'smtp://mail.example.org' }), server as never);
  t.deepEqual(mailOf({ ORRERY_SMTP_URL: 'smtp://mail.example.org:25', ORRERY_SMTP_STARTTLS: 'never' }), { ...server, port: 25, security: 'none' } as never);
  const login = { user: 'a@b', password: 'p:ä' };
  t.deepEqual(mailOf({ ORRERY_SMTP_URL: 'smtps://a%40b:p%3A%C3%A4@mail.example.org' }), { ...server, port: 465, security: 'implicit', login } as never);
  t.deepEqual(mailOf({ ORRERY_MAIL_DIRECTORY: '/mail' }), { kind: 'directory', path: '/mail', from: server.from });
  t.notRegex(JSON.stringify(problemsOf({ ...minimal, ORRERY_SMTP_URL: 'smtp://a:hunter2%@x', ORRERY_MAIL_FROM: 'a@b.c' })), /hunter2/);
});

test('an S3 raw store is taken apart into bucket and prefix', (t) => {
  const env = { ...minimal, ORRERY_RAW_STORE: 's3://orrery-raw/prod/raw', ORRERY_RAW_STORE_ENDPOINT: 'http://minio:9000' };
  t.deepEqual(loadConfig(env).rawStore, { kind: 's3', bucket: 'orrery-raw', prefix: 'prod/raw', endpoint: 'http://minio:9000', region: null });
});

for (const program of ['api/main.ts', 'workers/main.ts', 'tools/migrate.ts', 'tools/rotate-keys.ts']) {
  test(`${program} without settings says which are missing, without a stack`, async (t) => {
    const error = await t.throwsAsync(promisify(execFile)(process.execPath, [join(import.meta.dirname, program)], { env: {} }));
    const { code, stderr } = error as unknown as { code: number; stderr: string };
    t.is(code, 1);
    t.regex(stderr, /^The configuration is not usable:\n {2}DATABASE_URL: is not set; /);
    t.notRegex(stderr, /\n {4}at /);
  });
}

test('a login provider is read with its client; http stays on this machine', (t) => {
  const given = { ...minimal, ORRERY_OIDC_CLIENT_ID: 'orrery' };
  const public_ = loadConfig({ ...given, ORRERY_OIDC_ISSUER: 'https://login.example.org/realms/acme' }).oidc;
  t.deepEqual(public_, { issuer: 'https://login.example.org/realms/acme', clientId: 'orrery', clientSecret: null, signUp: 'invited' });
  const local = { ORRERY_OIDC_ISSUER: 'http://127.0.0.1:9000', ORRERY_OIDC_CLIENT_SECRET: 's', ORRERY_OIDC_SIGN_UP: 'anyone' };
  t.deepEqual(loadConfig({ ...given, ...local }).oidc, { issuer: 'http://127.0.0.1:9000', clientId: 'orrery', clientSecret: 's', signUp: 'anyone' });
  t.is(loadConfig(minimal).oidc, null);
});
