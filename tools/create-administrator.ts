import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { ADMINISTRATOR_EMAIL, bootstrapAdministrator, mintAdministratorToken } from '../commands/identity/bootstrap.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { connect } from '../db/shared/connection.ts';
import { DomainError } from '../domain/shared/errors.ts';
import { systemClock } from '../workers/dependencies.ts';

// Usage: npm run create-administrator -- FILE [--token], with the environment of the API, after npm run migrate.
// On an empty database: makes the first administrator and an organization, and writes e-mail address, password and API
// token into FILE (new, mode 0600). With --token, on any other: a new API token for the first administrator, where the
// old one was lost. Secrets are in FILE alone, never printed.

/** Told to the person without a stack. */
class UsageError extends Error {}

const usage = 'Usage: npm run create-administrator -- FILE [--token]';

try {
  const { file, tokenOnly } = readArguments(process.argv.slice(2));
  const { databaseUrl } = loadConfig(process.env);
  // Before anything is made: secrets that cannot be kept would be lost.
  const opened = openSync(file, 'wx', 0o600);
  try {
    const lines = await makeSecrets(databaseUrl, tokenOnly);
    writeSync(opened, `${lines.join('\n')}\n`);
    console.log(`${tokenOnly ? 'A new token of the administrator is' : `Made ${ADMINISTRATOR_EMAIL}; password and token are`} in ${file}.`);
  } catch (error) {
    rmSync(file);
    throw error;
  } finally {
    closeSync(opened);
  }
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

function readArguments(args: string[]): { file: string; tokenOnly: boolean } {
  const [file, ...others] = args.filter((arg) => arg !== '--token');
  if (file === undefined || others.length > 0 || file.startsWith('-')) throw new UsageError(usage);
  // npm runs in the checkout, and says where it was called.
  return { file: resolve(process.env.INIT_CWD ?? '', file), tokenOnly: args.includes('--token') };
}

async function makeSecrets(databaseUrl: string, tokenOnly: boolean): Promise<string[]> {
  const db = connect(databaseUrl, { poolMax: 1, applicationName: 'orrery-create-administrator' });
  try {
    if (tokenOnly) return [`token=${(await mintAdministratorToken(db, systemClock)).token}`];
    const { token, password } = await bootstrapAdministrator(db, systemClock, { withSample: false });
    if (token === undefined || password === undefined) {
      throw new UsageError('The database has people already; nothing was made. Where the administrator’s token was lost, add --token.');
    }
    return [`email=${ADMINISTRATOR_EMAIL}`, `password=${password}`, `token=${token}`];
  } finally {
    await db.destroy();
  }
}

function explain(error: unknown): unknown {
  if (error instanceof ConfigError || error instanceof UsageError || error instanceof DomainError) return error.message;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST') return `${path} exists and is left as it is; name a new file.`;
  if (code === 'ENOENT' || code === 'EACCES') return `${path} cannot be made (${code}); check its folder.`;
  if (code === '42P01') return 'The database has no tables yet; run npm run migrate first.';
  return error;
}
