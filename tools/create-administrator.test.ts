import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { startApi } from '../api/main.ts';
import { platform, type Platform } from '../tests/helpers/platform.ts';

const program = join(import.meta.dirname, 'create-administrator.ts');
let site: Platform;
let directory: string;

test.before(async () => {
  site = await platform();
  directory = mkdtempSync(join(tmpdir(), 'orrery-administrator-'));
});
test.after.always(async () => {
  await site?.end();
  rmSync(directory, { recursive: true, force: true });
});

interface Said {
  code: number;
  out: string;
  error: string;
}

function createAdministrator(args: string[], changes: Record<string, string> = {}): Promise<Said> {
  const env = {
    PATH: process.env.PATH ?? '',
    DATABASE_URL: site.config.databaseUrl,
    TEMPORAL_ADDRESS: site.config.temporal.address,
    TEMPORAL_NAMESPACE: site.config.temporal.namespace,
    ORRERY_SECRET_KEY: site.config.secretKeys.current.toString('base64'),
    ORRERY_HOST: '127.0.0.1',
    ORRERY_PORT: '8080',
    ORRERY_PUBLIC_URL: 'http://127.0.0.1:8080',
    ORRERY_RAW_STORE: join(directory, 'raw'),
    ORRERY_SPOOL_DIRECTORY: join(directory, 'spool'),
    ...changes,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, out, said) => resolve({ code: error === null ? 0 : Number(error.code), out, error: said }));
  });
}

function secretsIn(file: string): Record<string, string> {
  return Object.fromEntries(readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

test.serial('on an empty database it makes an administrator whose token and password work, and prints neither', async (t) => {
  const file = join(directory, 'administrator');
  const { code, out, error } = await createAdministrator([file]);
  t.is(code, 0, error);
  t.is(statSync(file).mode & 0o777, 0o600);
  const { email = '', password = '', token = '' } = secretsIn(file);
  t.is(email, 'admin@localhost');
  t.regex(token, /^orr_/);
  for (const secret of [password, token]) t.false(out.includes(secret) || error.includes(secret));

  const api = await startApi(site.config, site.log);
  try {
    const organizations = await fetch(`${api.url}/v1/organizations`, { headers: { authorization: `Bearer ${token}` } });
    t.deepEqual(((await organizations.json()) as { items: { name: string }[] }).items.map(({ name }) => name), ['Default']);
    const session = await fetch(`${api.url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://127.0.0.1' },
      body: JSON.stringify({ email, password }),
    });
    t.true(session.ok, `${session.status} ${await session.text()}`);
  } finally {
    await api.stop();
  }
});

test.serial('a database with people is left as it is, and so is a file that exists', async (t) => {
  const again = join(directory, 'again');
  const refused = await createAdministrator([again]);
  t.is(refused.code, 1);
  t.regex(refused.error, /^The database has people already; nothing was made\. .*--token/);
  t.false(existsSync(again));
  const before = readFileSync(join(directory, 'administrator'), 'utf8');
  const taken = await createAdministrator([join(directory, 'administrator'), '--token']);
  t.regex(taken.error, /exists and is left as it is/);
  t.is(readFileSync(join(directory, 'administrator'), 'utf8'), before);
});

test.serial('a lost token is replaced by a new one, in a file where npm was called', async (t) => {
  const file = join(directory, 'renewed');
  const { code, error } = await createAdministrator(['renewed', '--token'], { INIT_CWD: directory });
  t.is(code, 0, error);
  t.deepEqual(Object.keys(secretsIn(file)), ['token']);
  t.not(secretsIn(file).token, secretsIn(join(directory, 'administrator')).token);
});

test.serial('what is missing is named, without a stack', async (t) => {
  for (const [args, changes, said] of [
    [[], {}, /^Usage: /],
    [[join(directory, 'nowhere', 'file')], {}, /nowhere.*ENOENT/],
    [[join(directory, 'other')], { DATABASE_URL: '' }, /DATABASE_URL: is not set/],
  ] as const) {
    const { code, error } = await createAdministrator([...args], changes);
    t.is(code, 1);
    t.regex(error, said);
    t.notRegex(error, /\n {4}at /);
  }
});
