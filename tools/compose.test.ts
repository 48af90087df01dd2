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
  environment: z.record(z.string(), z.string()),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.string()).optional(),
  configs: z.array(z.object({ source: z.string() })).optional(),
});
const compose = z
  .object({ services: z.record(z.string(), service), configs: z.record(z.string(), z.object({ content: z.string() })) })
  .parse(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }));

const secrets: Record<string, string> = { ORRERY_DB_PASSWORD: 'a1', TEMPORAL_DB_PASSWORD: 'b2', ORRERY_SECRET_KEY: Buffer.alloc(32, 1).toString('base64') };

/** Compose's substitution of `${NAME:-default}` and `${NAME:?message}`. */
function substitute(text: string, given: Record<string, string>): string {
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string | undefined, rest: string | undefined) => {
    const value = given[name] ?? '';
    if (value !== '') return value;
    if (kind === '-') return rest ?? '';
    throw new Error(`${name} is not given${kind === '?' ? `: ${rest}` : ' and has no message'}`);
  });
}

function environmentOf(name: string, given: Record<string, string>): Record<string, string> {
  const { environment = {} } = compose.services[name] ?? {};
  return Object.fromEntries(Object.entries(environment).map(([variable, value]) => [variable, substitute(value, given)]));
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

test('every image is pinned to a version, and what serves has a health check', (t) => {
  for (const [name, { image }] of Object.entries(compose.services)) t.regex(image, /:\d+\.\d+(\.\d+)?(-\w+)?$/, name);
  for (const name of ['postgres', 'temporal', 'temporal-ui', 'api', 'workers']) t.truthy(compose.services[name]?.healthcheck, name);
  t.regex(readFileSync(join(root, 'Dockerfile'), 'utf8'), /^FROM node:24\.\d+\.\d+-/m);
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
