import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartOptions } from './options.ts';

type Environment = Record<string, string | undefined>;

/**
 * The settings of the embedded platform: what config.ts requires, with everything below the data directory. What the
 * caller's environment already says wins. Makes the directories, and the vault's key file (0600) the first time.
 */
export function embeddedEnvironment(options: StartOptions, servers: { databaseUrl: string; temporalAddress: string }, given: Environment): Environment {
  const { dataDirectory, port } = options;
  const defaults: Environment = {
    DATABASE_URL: servers.databaseUrl,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    ORRERY_HOST: '127.0.0.1',
    ORRERY_PORT: String(port),
    ORRERY_PUBLIC_URL: `http://127.0.0.1:${port}`,
    ORRERY_RAW_STORE: join(dataDirectory, 'raw'),
    ORRERY_SPOOL_DIRECTORY: join(dataDirectory, 'spool'),
    // Whoever starts this is the operator, and the API listens to this machine alone.
    ORRERY_IMPORT_ROOTS: [...new Set([homedir(), process.cwd(), tmpdir(), dataDirectory])].join(':'),
  };
  for (const directory of ['raw', 'spool']) mkdirSync(join(dataDirectory, directory), { recursive: true, mode: 0o700 });
  if (!given.ORRERY_SECRET_KEY && !given.ORRERY_SECRET_KEY_FILE) defaults.ORRERY_SECRET_KEY_FILE = ensureKeyFile(join(dataDirectory, 'secret-key'));
  // No mail server: mails land where the operator sees them.
  if (!given.ORRERY_SMTP_URL) defaults.ORRERY_MAIL_DIRECTORY = join(dataDirectory, 'mail');
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ''));
  // The demonstration's bill is a directory source too, wherever the operator's own roots lie.
  if (set.ORRERY_IMPORT_ROOTS !== undefined) set.ORRERY_IMPORT_ROOTS = `${set.ORRERY_IMPORT_ROOTS}:${join(dataDirectory, 'demonstration')}`;
  return { ...defaults, ...set };
}

function ensureKeyFile(path: string): string {
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return path;
}
