import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { bootstrapAdministrator, mintAdministratorToken } from '../../commands/identity/bootstrap.ts';
import type { Config } from '../../config.ts';
import { connect } from '../../db/shared/connection.ts';
import { monthOf, plusMonths, toInstant, type Month } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { ApiClient } from '../cli/api-client.ts';
import { DEMONSTRATION, passwordFile, tokenFile, urlFile } from '../cli/context.ts';
import { ensureDemonstration } from './demonstration.ts';
import type { StartOptions } from './options.ts';
import { step, type Say } from './steps.ts';

export interface FirstRunFacts {
  tokenFile: string;
  organizationId: string;
  month: Month;
  nextMonth: Month;
  /** Whether the demonstration is here, with machines to try schedules on. */
  demonstrates: boolean;
}

/**
 * Makes the administrator on an empty database and keeps the secrets in files of mode 0600. `finish`, once workers
 * and API run, completes the demonstration, unless that is not wanted. A start that was killed in the middle of either
 * is completed by the next one.
 */
export async function prepareFirstRun(options: StartOptions, config: Config): Promise<{ finish(): Promise<FirstRunFacts> }> {
  const { dataDirectory } = options;
  const organizationId = await step('Administrator', (say) => ensureAdministrator(options, config, say));
  writeFileSync(urlFile(dataDirectory), `${config.http.publicUrl}\n`);
  return {
    async finish() {
      const client = new ApiClient(config.http.publicUrl, readFileSync(tokenFile(dataDirectory), 'utf8').trim());
      const today = toInstant(Date.now()).slice(0, 10);
      const demonstrates = options.sample && (await ensureDemonstration(client, config.databaseUrl, dataDirectory, today));
      const shown = await organizationToShow(client);
      const month = plusMonths(monthOf(today), -1);
      return { tokenFile: tokenFile(dataDirectory), organizationId: shown ?? organizationId, month, nextMonth: plusMonths(month, 1), demonstrates };
    },
  };
}

/** One of your own that has a bill, else the demonstration: the example is to answer with numbers. */
async function organizationToShow(client: ApiClient): Promise<string | undefined> {
  const all = await client.listOrganizations();
  for (const { id, name } of all) if (name !== DEMONSTRATION && (await client.listDataSources(id)).length > 0) return id;
  return all.find(({ name }) => name === DEMONSTRATION)?.id;
}

/** Answers the organization that the administrator manages. Where the token was lost, a new one is made. */
async function ensureAdministrator(options: StartOptions, config: Config, say: Say): Promise<string> {
  const db = connect(config.databaseUrl, { poolMax: 1, applicationName: 'orrery-start' });
  try {
    const { created, token, password, organizationId } = await bootstrapAdministrator(db, systemClock, { withSample: options.sample });
    if (password !== undefined) writeSecret(passwordFile(options.dataDirectory), password);
    if (token !== undefined) writeSecret(tokenFile(options.dataDirectory), token);
    else if (!existsSync(tokenFile(options.dataDirectory))) writeSecret(tokenFile(options.dataDirectory), (await mintAdministratorToken(db, systemClock)).token);
    say(created ? 'created' : 'exists');
    return organizationId;
  } finally {
    await db.destroy();
  }
}

function writeSecret(path: string, secret: string): void {
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
}
