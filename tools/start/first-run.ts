import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Big } from 'big.js';
import { bootstrapAdministrator, mintAdministratorToken } from '../../commands/identity/bootstrap.ts';
import type { Config } from '../../config.ts';
import { connect } from '../../db/shared/connection.ts';
import { MAX_PERIOD_MONTHS } from '../../domain/billing/expense-query.ts';
import { monthOf, plusMonths, toInstant, type Month } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { ApiClient } from '../cli/api-client.ts';
import { DEMONSTRATION, passwordFile, tokenFile, urlFile } from '../cli/context.ts';
import { ensureDemonstration } from './demonstration.ts';
import type { StartOptions } from './options.ts';
import { reasonOf, step, type Say } from './steps.ts';

export interface FirstRunFacts {
  tokenFile: string;
  organizationId: string;
  /** The newest one that cost the organization something; last month, if none did. */
  month: Month;
  nextMonth: Month;
  /** Whether the demonstration is here, with machines to try schedules on. */
  demonstrates: boolean;
}

/**
 * Makes the administrator on an empty database and keeps the secrets in files of mode 0600. `finish`, once workers
 * and API run, completes the demonstration, unless that is not wanted. A start that was killed in the middle of either
 * is completed by the next one. A demonstration that fails is no reason to end a platform that runs: `warn` is told why.
 */
export async function prepareFirstRun(options: StartOptions, config: Config, warn: (reason: unknown) => void): Promise<{ finish(): Promise<FirstRunFacts> }> {
  const { dataDirectory } = options;
  const organizationId = await step('Administrator', (say) => ensureAdministrator(options, config, say));
  const url = addressHere(config);
  writeFileSync(urlFile(dataDirectory), `${url}\n`);
  return {
    async finish() {
      const client = new ApiClient(url, readFileSync(tokenFile(dataDirectory), 'utf8').trim());
      const today = toInstant(Date.now()).slice(0, 10);
      const demonstrates = options.sample && (await demonstrate());
      const lastMonth = plusMonths(monthOf(today), -1);
      const shown = await whatToShow(client, lastMonth);
      const month = shown?.month ?? lastMonth;
      return { tokenFile: tokenFile(dataDirectory), organizationId: shown?.organizationId ?? organizationId, month, nextMonth: plusMonths(month, 1), demonstrates };

      async function demonstrate(): Promise<boolean> {
        try {
          return await ensureDemonstration(client, config.databaseUrl, dataDirectory, today);
        } catch (error) {
          warn(reasonOf(error));
          return false;
        }
      }
    },
  };
}

/** For programs on this machine: the public URL may lead through a proxy, or not be reachable from here. */
function addressHere({ http: { host, port } }: Config): string {
  const name = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

interface Shown {
  organizationId: string;
  month: Month;
}

/** One of your own that has costs, else the demonstration: the example is to answer with numbers. */
async function whatToShow(client: ApiClient, lastMonth: Month): Promise<Shown | undefined> {
  const all = await client.listOrganizations();
  for (const { id } of [...all.filter(({ name }) => name !== DEMONSTRATION), ...all.filter(({ name }) => name === DEMONSTRATION)]) {
    const month = await newestMonthWithCosts(client, id, lastMonth);
    if (month !== undefined) return { organizationId: id, month };
  }
  return undefined;
}

/** A bill may have ended, or not have reached last month yet. Looks back as far as is answered at once. */
async function newestMonthWithCosts(client: ApiClient, organizationId: string, lastMonth: Month): Promise<Month | undefined> {
  const { groups } = await client.getExpenses(organizationId, [
    ['start', `${plusMonths(lastMonth, 1 - MAX_PERIOD_MONTHS)}-01`],
    ['end', `${plusMonths(lastMonth, 1)}-01`],
    ['group_by', 'month'],
  ]);
  const months = groups.filter(({ cost }) => !new Big(cost).eq(0)).map(({ keys }) => keys[0]?.value?.slice(0, 7) ?? '');
  return months.toSorted().at(-1);
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
