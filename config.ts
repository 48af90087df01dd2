import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { oidcVariables, readOidc, type OidcConfig } from './oidc-config.ts';
import { outboundVariables, readCalendar, readMail, readWebhooks, type CalendarConfig, type MailConfig, type WebhookConfig } from './outbound-config.ts';

/** Everything the processes are told from outside, parsed once. No default here stands for a part of production. */
export interface Config {
  databaseUrl: string;
  temporal: TemporalConfig;
  /** Master keys of the vault, 32 bytes each. New secrets are sealed under `current`; `previous` only open. */
  secretKeys: { current: Buffer; previous: Buffer[] };
  http: { host: string; port: number; publicUrl: string };
  /** Where the workers answer about themselves, on the API's host; null: nowhere. */
  workersPort: number | null;
  rawStore: RawStoreConfig;
  /** Absolute directories below which a data source may read a local export. Empty: none may. */
  importRoots: string[];
  /** Where clouds are reached; `null` means their own endpoints. Set for peers in tests and for gateways. */
  awsEndpoints: AwsEndpoints;
  azureEndpoints: AzureEndpoints;
  gcpEndpoints: GcpEndpoints;
  alibabaEndpoints: AlibabaEndpoints;
  webhooks: WebhookConfig;
  mail: MailConfig;
  calendar: CalendarConfig;
  /** Where people log in beside passwords; null: nowhere. */
  oidc: OidcConfig | null;
  /** Scratch space for spooled files; its content may be deleted while nothing runs. */
  spoolDirectory: string;
  /** DuckDB's buffer limit in its own notation, for example `512MB`. */
  duckdbMemory: string;
  logLevel: LogLevel;
  /** Prepended to every task queue, so that several deployments can share one namespace. */
  taskQueuePrefix: string;
}

export interface TemporalConfig {
  address: string;
  namespace: string;
  /** As the Temporal SDK takes it: `false`, or TLS with an optional own root and client certificate. */
  tls: false | TemporalTls;
  apiKey: string | null;
}

export interface TemporalTls {
  serverNameOverride?: string;
  serverRootCACertificate?: Buffer;
  clientCertPair?: { crt: Buffer; key: Buffer };
}

export type RawStoreConfig =
  | { kind: 'directory'; path: string }
  | { kind: 's3'; bucket: string; prefix: string; endpoint: string | null; region: string | null };

export interface AwsEndpoints {
  s3: string | null;
  sts: string | null;
  costAndUsageReport: string | null;
  dataExports: string | null;
  ec2: string | null;
}

export interface AzureEndpoints {
  /** Azure Resource Manager. */
  resourceManager: string | null;
  /** Microsoft Entra ID. */
  authority: string | null;
  /** PEM of the certificate authority that both are trusted by instead of the system's; null: the system's. */
  certificateAuthority: string | null;
}

export interface GcpEndpoints {
  compute: string | null;
  token: string | null;
}

export interface AlibabaEndpoints {
  ecs: string | null;
  sts: string | null;
}

export type LogLevel = z.infer<typeof logLevel>;

/** The environment is wrong. The message lists every problem, each with its variable, what is wrong and the remedy. */
export class ConfigError extends Error {
  readonly problems: ConfigProblem[];

  constructor(problems: ConfigProblem[]) {
    super(['The configuration is not usable:', ...problems.map((p) => `  ${p.variable}: ${p.problem}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export interface ConfigProblem {
  variable: string;
  problem: string;
}

const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
  error: 'must be one of trace, debug, info, warn, error, silent',
});

function required(remedy: string): z.ZodString {
  return z.string({ error: `is not set; ${remedy}` });
}

const absolutePath = (remedy: string) =>
  required(remedy).refine(isAbsolute, { error: 'must be an absolute path, for example /var/lib/orrery' });

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL, for example https://orrery.example.org' });
const hostAndPort = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/;
const endpoint = httpUrl.optional();
// Azure's SDK sends tokens over nothing else.
const httpsEndpoint = z.url({ protocol: /^https$/, error: 'must be an https URL, for example https://gateway.example.org' }).optional();
const file = absolutePath('give the path of a PEM file').optional();

/** One entry per variable: this table is the reference, and `docs/operating.md` and docker-compose.yml are tested against it. */
const variables = {
  DATABASE_URL: required('give a PostgreSQL URL, for example postgres://orrery@db:5432/orrery').regex(
    /^postgres(ql)?:\/\//,
    'must begin with postgres:// or postgresql://',
  ),
  TEMPORAL_ADDRESS: required('give host and port of the Temporal frontend, for example temporal:7233').regex(
    hostAndPort,
    'must be host:port without a scheme, for example temporal:7233',
  ),
  TEMPORAL_NAMESPACE: required('give the Temporal namespace, for example default'),
  TEMPORAL_TLS: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  TEMPORAL_TLS_SERVER_CA: file,
  TEMPORAL_TLS_CLIENT_CERT: file,
  TEMPORAL_TLS_CLIENT_KEY: file,
  TEMPORAL_API_KEY: z.string().optional(),
  ORRERY_SECRET_KEY: z.string().optional(),
  ORRERY_SECRET_KEYS_PREVIOUS: z.string().optional(),
  ORRERY_SECRET_KEY_FILE: absolutePath('give the path of the key file').optional(),
  ORRERY_HOST: required('give the address to listen on, for example 127.0.0.1'),
  ORRERY_PORT: required('give the port to listen on, for example 8080').regex(/^\d+$/, 'must be a port number, for example 8080'),
  ORRERY_WORKERS_PORT: z.string().regex(/^\d+$/, 'must be a port number, for example 8081').optional(),
  ORRERY_PUBLIC_URL: required('give the URL people use, for example https://orrery.example.org').pipe(httpUrl),
  ORRERY_RAW_STORE: required('give a directory or s3://bucket/prefix for the raw billing files').refine(
    (value) => isAbsolute(value) || /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/.test(value),
    { error: 'must be an absolute path or s3://bucket/prefix' },
  ),
  ORRERY_RAW_STORE_ENDPOINT: endpoint,
  ORRERY_RAW_STORE_REGION: z.string().optional(),
  ORRERY_IMPORT_ROOTS: z.string().optional(),
  ORRERY_AWS_S3_ENDPOINT: endpoint,
  ORRERY_AWS_STS_ENDPOINT: endpoint,
  ORRERY_AWS_CUR_ENDPOINT: endpoint,
  ORRERY_AWS_DATA_EXPORTS_ENDPOINT: endpoint,
  ORRERY_AWS_EC2_ENDPOINT: endpoint,
  ORRERY_AZURE_ENDPOINT: httpsEndpoint,
  ORRERY_AZURE_AUTHORITY: httpsEndpoint,
  ORRERY_AZURE_CA_FILE: file,
  ORRERY_GCP_ENDPOINT: endpoint,
  ORRERY_GCP_TOKEN_URL: endpoint,
  ORRERY_ALIBABA_ECS_ENDPOINT: endpoint,
  ORRERY_ALIBABA_STS_ENDPOINT: endpoint,
  ...outboundVariables,
  ...oidcVariables,
  ORRERY_SPOOL_DIRECTORY: absolutePath('give a directory on a disk with room for the largest billing file'),
  ORRERY_DUCKDB_MEMORY: z
    .string()
    .regex(/^[1-9]\d*(MB|GB|MiB|GiB)$/, 'must be a size such as 512MB or 2GB')
    .optional(),
  ORRERY_LOG_LEVEL: logLevel.optional(),
  ORRERY_TASK_QUEUE_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]*$/, 'may hold letters, digits, dots, underscores and hyphens only')
    .optional(),
};

const environment = z.object(variables);
type Environment = z.infer<typeof environment>;
type Problems = ConfigProblem[];

/** Every variable `loadConfig` knows. */
export const configVariables = Object.keys(variables);
/** Those without which it refuses. Beside them, one of ORRERY_SECRET_KEY and ORRERY_SECRET_KEY_FILE is needed. */
export const requiredVariables = configVariables.filter((name) => !variables[name as keyof typeof variables].isOptional());

// Read by the command line client and the test harness, not by the processes of the platform.
const foreign = /^ORRERY_(TOKEN|URL|SOAK|TEST|BENCH)(_|$)/;

/**
 * Parses the environment. Called once, by the `main` of a process; no other code reads the environment.
 * An empty variable counts as not set, because compose files pass `${NAME:-}` through. Reads the files that ORRERY_SECRET_KEY_FILE, ORRERY_*_CA_FILE and TEMPORAL_TLS_* name.
 *
 * @throws ConfigError with every problem found, each by its variable's name. Never quotes a secret.
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  const problems: Problems = unknownVariables(env);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => ({ variable: String(issue.path[0]), problem: issue.message })));
    throw new ConfigError(problems);
  }
  const given = parsed.data;
  const pemText = (variable: PemVariable): string | null => readPem(variable, given, problems)?.toString('utf8') ?? null;
  const config: Config = {
    databaseUrl: given.DATABASE_URL,
    temporal: readTemporal(given, problems),
    secretKeys: readSecretKeys(given, problems),
    http: {
      host: given.ORRERY_HOST,
      port: readPort('ORRERY_PORT', given.ORRERY_PORT, problems),
      publicUrl: given.ORRERY_PUBLIC_URL.replace(/\/+$/, ''),
    },
    workersPort: given.ORRERY_WORKERS_PORT === undefined ? null : readPort('ORRERY_WORKERS_PORT', given.ORRERY_WORKERS_PORT, problems),
    rawStore: readRawStore(given),
    importRoots: readRoots(given.ORRERY_IMPORT_ROOTS ?? '', problems),
    awsEndpoints: {
      s3: given.ORRERY_AWS_S3_ENDPOINT ?? null,
      sts: given.ORRERY_AWS_STS_ENDPOINT ?? null,
      costAndUsageReport: given.ORRERY_AWS_CUR_ENDPOINT ?? null,
      dataExports: given.ORRERY_AWS_DATA_EXPORTS_ENDPOINT ?? null,
      ec2: given.ORRERY_AWS_EC2_ENDPOINT ?? null,
    },
    azureEndpoints: {
      resourceManager: given.ORRERY_AZURE_ENDPOINT ?? null,
      authority: given.ORRERY_AZURE_AUTHORITY ?? null,
      certificateAuthority: pemText('ORRERY_AZURE_CA_FILE'),
    },
    gcpEndpoints: { compute: given.ORRERY_GCP_ENDPOINT ?? null, token: given.ORRERY_GCP_TOKEN_URL ?? null },
    alibabaEndpoints: { ecs: given.ORRERY_ALIBABA_ECS_ENDPOINT ?? null, sts: given.ORRERY_ALIBABA_STS_ENDPOINT ?? null },
    webhooks: readWebhooks(given, pemText, problems),
    mail: readMail(given, pemText, problems),
    calendar: readCalendar(given, problems),
    oidc: readOidc(given, problems),
    spoolDirectory: given.ORRERY_SPOOL_DIRECTORY,
    duckdbMemory: given.ORRERY_DUCKDB_MEMORY ?? '512MB',
    logLevel: given.ORRERY_LOG_LEVEL ?? 'info',
    taskQueuePrefix: given.ORRERY_TASK_QUEUE_PREFIX ?? '',
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** `loadConfig` for a process that cannot go on without: says what is wrong, without a stack, and ends with 1. */
export function configOrExit(env: Record<string, string | undefined>): Config {
  try {
    return loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** A misspelt optional setting would otherwise be ignored in silence. */
function unknownVariables(env: Record<string, string | undefined>): Problems {
  return Object.keys(env)
    .filter((name) => name.startsWith('ORRERY_') && !configVariables.includes(name) && !foreign.test(name))
    .map((variable) => ({ variable, problem: 'is not a setting; check its spelling against docs/operating.md' }));
}

function readPort(variable: 'ORRERY_PORT' | 'ORRERY_WORKERS_PORT', text: string, problems: Problems): number {
  const port = Number(text);
  if (port > 65_535) problems.push({ variable, problem: `${text} is above 65535; give a port number, for example 8080` });
  return port;
}

function readTemporal(given: Environment, problems: Problems): TemporalConfig {
  const apiKey = given.TEMPORAL_API_KEY ?? null;
  const on = given.TEMPORAL_TLS === 'true';
  const tlsNames = ['TEMPORAL_TLS_SERVER_NAME', 'TEMPORAL_TLS_SERVER_CA', 'TEMPORAL_TLS_CLIENT_CERT', 'TEMPORAL_TLS_CLIENT_KEY'] as const;
  if (!on) {
    if (apiKey !== null) problems.push({ variable: 'TEMPORAL_API_KEY', problem: 'would travel in clear text; set TEMPORAL_TLS=true with it' });
    for (const variable of tlsNames) {
      if (given[variable] !== undefined) problems.push({ variable, problem: 'has no effect without TLS; set TEMPORAL_TLS=true or remove it' });
    }
  }
  return { address: given.TEMPORAL_ADDRESS, namespace: given.TEMPORAL_NAMESPACE, tls: on && readTls(given, problems), apiKey };
}

function readTls(given: Environment, problems: Problems): TemporalTls {
  const ca = readPem('TEMPORAL_TLS_SERVER_CA', given, problems);
  const crt = readPem('TEMPORAL_TLS_CLIENT_CERT', given, problems);
  const key = readPem('TEMPORAL_TLS_CLIENT_KEY', given, problems);
  if ((given.TEMPORAL_TLS_CLIENT_CERT === undefined) !== (given.TEMPORAL_TLS_CLIENT_KEY === undefined)) {
    const variable = given.TEMPORAL_TLS_CLIENT_CERT === undefined ? 'TEMPORAL_TLS_CLIENT_CERT' : 'TEMPORAL_TLS_CLIENT_KEY';
    problems.push({ variable, problem: 'is not set; a client certificate needs both its certificate and its key' });
  }
  return {
    ...(given.TEMPORAL_TLS_SERVER_NAME !== undefined && { serverNameOverride: given.TEMPORAL_TLS_SERVER_NAME }),
    ...(ca !== null && { serverRootCACertificate: ca }),
    ...(crt !== null && key !== null && { clientCertPair: { crt, key } }),
  };
}

type PemVariable = 'TEMPORAL_TLS_SERVER_CA' | 'TEMPORAL_TLS_CLIENT_CERT' | 'TEMPORAL_TLS_CLIENT_KEY' | 'ORRERY_AZURE_CA_FILE' | 'ORRERY_WEBHOOK_CA_FILE' | 'ORRERY_SMTP_CA_FILE';

function readPem(variable: PemVariable, given: Environment, problems: Problems): Buffer | null {
  const path = given[variable];
  if (path === undefined) return null;
  const content = readOrExplain(variable, path, problems);
  if (content !== null && !content.includes('-----BEGIN ')) {
    problems.push({ variable, problem: `${path} is not a PEM file; it must begin with -----BEGIN` });
  }
  return content;
}

function readSecretKeys(given: Environment, problems: Problems): Config['secretKeys'] {
  const { ORRERY_SECRET_KEY: key, ORRERY_SECRET_KEY_FILE: path } = given;
  const missing = { current: Buffer.alloc(0), previous: [] };
  if ((key === undefined) === (path === undefined)) {
    problems.push({
      variable: 'ORRERY_SECRET_KEY',
      problem:
        key === undefined
          ? 'is not set; give 32 random bytes in base64 (openssl rand -base64 32), or a file of them in ORRERY_SECRET_KEY_FILE'
          : 'and ORRERY_SECRET_KEY_FILE are both set; keep one',
    });
    return missing;
  }
  const variable = path === undefined ? 'ORRERY_SECRET_KEY' : 'ORRERY_SECRET_KEY_FILE';
  const texts = path === undefined ? [key ?? ''] : readKeyFile(path, problems);
  if (texts === null) return missing;
  const [current, ...previous] = texts.map((text) => decodeKey(variable, text, problems));
  if (current === undefined) {
    problems.push({ variable, problem: `${path} is empty; put 32 random bytes in base64 on its first line` });
    return missing;
  }
  const listed = splitList(given.ORRERY_SECRET_KEYS_PREVIOUS ?? '', ',');
  return { current, previous: [...previous, ...listed.map((text) => decodeKey('ORRERY_SECRET_KEYS_PREVIOUS', text, problems))] };
}

/** The key file: one base64 key a line, the current one first, those it replaced below. */
function readKeyFile(path: string, problems: Problems): string[] | null {
  const content = readOrExplain('ORRERY_SECRET_KEY_FILE', path, problems);
  if (content === null) return null;
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    problems.push({ variable: 'ORRERY_SECRET_KEY_FILE', problem: `others may read ${path}; run chmod 600 on it` });
  }
  return splitList(content.toString('utf8'), '\n');
}

function decodeKey(variable: string, text: string, problems: Problems): Buffer {
  const key = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text) || key.length !== 32) {
    problems.push({ variable, problem: 'must hold keys of 32 bytes in base64 (44 characters); make one with openssl rand -base64 32' });
  }
  return key;
}

function readRawStore(given: Environment): RawStoreConfig {
  if (!given.ORRERY_RAW_STORE.startsWith('s3://')) return { kind: 'directory', path: given.ORRERY_RAW_STORE };
  const [bucket = '', ...prefix] = given.ORRERY_RAW_STORE.slice('s3://'.length).split('/');
  return {
    kind: 's3',
    bucket,
    prefix: prefix.join('/'),
    endpoint: given.ORRERY_RAW_STORE_ENDPOINT ?? null,
    region: given.ORRERY_RAW_STORE_REGION ?? null,
  };
}

/** Roots are separated as in PATH, by a colon. */
function readRoots(text: string, problems: Problems): string[] {
  const roots = splitList(text, ':');
  for (const root of roots.filter((root) => !isAbsolute(root))) {
    problems.push({ variable: 'ORRERY_IMPORT_ROOTS', problem: `${root} is not an absolute path; separate several by a colon` });
  }
  return roots;
}

function splitList(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function readOrExplain(variable: string, path: string, problems: Problems): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    problems.push({ variable, problem: `${path} cannot be read (${(error as NodeJS.ErrnoException).code}); check the path and its permissions` });
    return null;
  }
}
