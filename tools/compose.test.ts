import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { configVariables, loadConfig, requiredVariables } from '../config.ts';

const root = join(import.meta.dirname, '..');
const service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  restart: z.string(),
  environment: z.record(z.string(), z.string().nullable()),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.string()).optional(),
  configs: z.array(z.object({ source: z.string() })).optional(),
});
const compose = z
  .object({ services: z.record(z.string(), service), configs: z.record(z.string(), z.object({ content: z.string() })) })
  .parse(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }));

const secrets: Record<string, string> = { ORRERY_DB_PASSWORD: 'a1', TEMPORAL_DB_PASSWORD: 'b2', ORRERY_SECRET_KEY: Buffer.alloc(32, 1).toString('base64') };

/** What config.ts does not read, but the SDKs and Node itself. */
const PASSED_ON = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION', 'NODE_EXTRA_CA_CERTS'];
/** Settings that .env does not reach: what the file itself publishes and mounts, and a second way to give the key. */
const FIXED = ['ORRERY_HOST', 'ORRERY_PORT', 'ORRERY_WORKERS_PORT', 'ORRERY_SPOOL_DIRECTORY', 'ORRERY_SECRET_KEY_FILE'];

/** Compose's substitution of `${NAME:-default}` and `${NAME:?message}`, the inner ones of a nesting first. */
function substitute(text: string, given: Record<string, string>): string {
  const next = text.replace(/\$\{(\w+)(?::([-?])([^${}]*))?\}/g, (_, name: string, kind: string | undefined, rest: string | undefined) => {
    const value = given[name] ?? '';
    if (value !== '') return value;
    if (kind === '-') return rest ?? '';
    throw new Error(`${name} is not given${kind === '?' ? `: ${rest}` : ' and has no message'}`);
  });
  return next === text ? text : substitute(next, given);
}

function environmentOf(name: string, given: Record<string, string>): Record<string, string> {
  const { environment = {} } = compose.services[name] ?? {};
  return Object.fromEntries(
    Object.entries(environment).flatMap(([variable, value]) => {
      if (value !== null) return [[variable, substitute(value, given)]];
      return given[variable] === undefined ? [] : [[variable, given[variable]]];
    }),
  );
}

const ours = Object.entries(compose.services).filter(([, { build }]) => build !== undefined).map(([name]) => name);

test('API, workers and migration are built from the Dockerfile', (t) => {
  t.deepEqual(ours.sort(), ['api', 'migrate', 'workers']);
});

for (const name of ['api', 'workers', 'migrate']) {
  test(`${name} is given every variable that config.ts requires, and only ones it knows`, (t) => {
    const environment = environmentOf(name, secrets);
    for (const variable of requiredVariables) t.truthy(environment[variable], variable);
    for (const variable of Object.keys(environment)) t.true(configVariables.includes(variable), variable);
    const config = loadConfig(environment);
    t.is(config.databaseUrl, 'postgres://orrery:a1@postgres:5432/orrery');
    t.is(config.temporal.address, 'temporal:7233');
  });

  test(`every setting that is put into .env reaches ${name}`, (t) => {
    for (const variable of [...configVariables, ...PASSED_ON]) {
      const reached = environmentOf(name, { ...secrets, [variable]: 'given' })[variable] === 'given';
      t.is(reached, !FIXED.includes(variable), variable);
    }
    for (const variable of PASSED_ON) t.false(variable in environmentOf(name, secrets), `${variable} is absent, not empty`);
  });

  test(`${name} runs a file that exists`, (t) => {
    const [program, file = ''] = compose.services[name]?.command ?? [];
    t.is(program, 'node');
    t.notThrows(() => readFileSync(join(root, file)));
  });
}

test('health checks ask the ports that the processes listen on', (t) => {
  for (const [name, port] of [['api', 'ORRERY_PORT'], ['workers', 'ORRERY_WORKERS_PORT']] as const) {
    const asked = compose.services[name]?.healthcheck?.test.join(' ') ?? '';
    t.true(asked.includes(`127.0.0.1:${environmentOf(name, secrets)[port]}/readyz`), asked);
  }
});

test('no secret has a default: each is demanded by name', (t) => {
  for (const secret of Object.keys(secrets)) {
    const without = Object.fromEntries(Object.entries(secrets).filter(([name]) => name !== secret));
    const refusals = Object.keys(compose.services).flatMap((name) => {
      try {
        environmentOf(name, without);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    });
    t.true(refusals.length > 0, secret);
    for (const refusal of refusals) t.is(refusal, `${secret} is not given: put ${secret} into .env`);
  }
});

test('the image runs the Node that the installation brings', (t) => {
  const { dependencies } = z.object({ dependencies: z.object({ node: z.string() }) }).parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  t.true(readFileSync(join(root, 'Dockerfile'), 'utf8').includes(`\nFROM node:${dependencies.node}-`));
});

test('PostgreSQL is healthy once it answers over TCP, not while it initialises', (t) => {
  t.regex(compose.services.postgres?.healthcheck?.test.join(' ') ?? '', /pg_isready -h 127\.0\.0\.1 /);
});

test('every image is pinned to a version, and what serves has a health check', (t) => {
  for (const [name, { image }] of Object.entries(compose.services)) t.regex(image, /:\d+\.\d+(\.\d+)?(-\w+)?$/, name);
  for (const name of ['postgres', 'temporal', 'temporal-ui', 'api', 'workers']) t.truthy(compose.services[name]?.healthcheck, name);
});

test('nothing listens beyond this machine unless the operator says so', (t) => {
  for (const { ports = [] } of Object.values(compose.services)) for (const port of ports) t.regex(port, /^127\.0\.0\.1:/);
});

test('every config file that a service mounts is defined', (t) => {
  for (const { configs = [] } of Object.values(compose.services)) for (const { source } of configs) t.truthy(compose.configs[source]?.content, source);
});

test('docs/operating.md explains every setting', (t) => {
  const documentation = readFileSync(join(root, 'docs', 'operating.md'), 'utf8');
  for (const variable of configVariables) t.true(documentation.includes(`\`${variable}\``), variable);
});
