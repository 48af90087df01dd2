import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Connection } from '@temporalio/client';
import pino, { type Logger } from 'pino';
import { sweepExpired } from '../commands/identity/sweep-expired.ts';
import { sweepMails } from '../commands/notifications/sweep-mails.ts';
import { sweepAllocations } from '../commands/quotas/sweep-allocations.ts';
import { sweepDeliveries } from '../commands/webhooks/sweep-deliveries.ts';
import { configOrExit, type Config } from '../config.ts';
import { connect, type Database } from '../db/shared/connection.ts';
import { createPeriodReader } from '../providers/aws/billing/period-reader.ts';
import { createOidcClient } from '../providers/local/oidc-client.ts';
import { createWebhookTargets } from '../providers/local/webhook-targets.ts';
import { calendarProviders, channelSecrets, cloudProviders, memoryLimitMb, rawStoreOf, systemClock, vaultOf } from '../workers/dependencies.ts';
import { createApp } from './app.ts';
import { OIDC_CALLBACK } from './identity/oidc-callback.ts';
import { operations } from './operations.ts';
import { createLineItemReader } from './resources/line-item-reader.ts';
import type { ApiDependencies } from './shared/dependencies.ts';

/** Connections of one API process to the database. */
export const API_POOL_MAX = 20;
const SWEEP_EVERY_MS = 3_600_000;
const LONGEST_GOODBYE_MS = 5_000;
// A load balancer on the same host or in the same private network; see docs/adr/0030-api-foundation.md.
const TRUSTED_PROXIES = 'loopback, linklocal, uniquelocal';

export interface RunningApi {
  url: string;
  /** Takes no more requests, lets those that run end (5 s at most), closes its connections. */
  stop(): Promise<void>;
}

/** Starts one API process. Any number may run beside each other: it keeps no state. `stop` closes `db` too. */
export async function startApi(config: Config, log: Logger, db: Database = connectApi(config)): Promise<RunningApi> {
  // Lazy: the API starts, and works, while Temporal is down.
  const temporal = Connection.lazy({
    address: config.temporal.address,
    tls: config.temporal.tls,
    ...(config.temporal.apiKey !== null && { apiKey: config.temporal.apiKey }),
    connectTimeout: 2_000,
  });
  const deps: ApiDependencies = {
    db,
    clock: systemClock,
    vault: vaultOf(config),
    log,
    lineItems: createLineItemReader({
      db,
      rawStore: rawStoreOf(config),
      periodReader: createPeriodReader({ memoryLimitMb: memoryLimitMb(config.duckdbMemory) }),
      scratchDirectory: config.spoolDirectory,
    }),
    webhookTargets: createWebhookTargets(config.webhooks),
    oidc: oidcOf(config),
    clouds: cloudProviders(config, { db, clock: systemClock }),
    calendars: calendarProviders(config, { db }),
    calendarChannelSecrets: channelSecrets(config),
    config: {
      publicUrl: config.http.publicUrl,
      importRoots: config.importRoots,
      trustedProxies: TRUSTED_PROXIES,
      checkAnswers: false,
    },
    async temporalAnswers() {
      await temporal.withDeadline(Date.now() + 2_000, () => temporal.workflowService.getSystemInfo({}));
      return true;
    },
  };
  const server = createServer(createApp(deps, operations));
  await listen(server, config.http);
  const { port } = server.address() as AddressInfo;
  const url = `http://${config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host}:${port}`;
  const sweeping = setInterval(() => void sweepAll(db, log), SWEEP_EVERY_MS);
  log.info({ url }, 'API listens');
  return {
    url,
    async stop() {
      clearInterval(sweeping);
      await close(server);
      await temporal.close();
      await db.destroy();
    },
  };
}

function oidcOf({ oidc, http }: Config): ApiDependencies['oidc'] {
  if (oidc === null) return null;
  const { signUp, ...settings } = oidc;
  return { client: createOidcClient({ ...settings, redirectUri: `${http.publicUrl}${OIDC_CALLBACK}` }), signUp };
}

/** The API's own pool. */
function connectApi({ databaseUrl }: Pick<Config, 'databaseUrl'>): Database {
  return connect(databaseUrl, { poolMax: API_POOL_MAX, applicationName: 'orrery-api' });
}

const SWEEPS = { expired: sweepExpired, deliveries: sweepDeliveries, mails: sweepMails, allocations: sweepAllocations };

/** One after the other; one that fails keeps none of the others from its work. */
async function sweepAll(db: Database, log: Logger): Promise<void> {
  const at = systemClock.now();
  for (const [what, sweep] of Object.entries(SWEEPS)) {
    try {
      await sweep(db, at);
    } catch (error) {
      log.warn({ err: error, what }, 'sweep failed; the next one tries again');
    }
  }
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  const forced = setTimeout(() => server.closeAllConnections(), LONGEST_GOODBYE_MS);
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeIdleConnections();
  });
  clearTimeout(forced);
}

if (import.meta.main) {
  const config = configOrExit(process.env);
  const log = pino({ level: config.logLevel, base: { process: 'api' } });
  const running = await startApi(config, log);
  let stopping: Promise<void> | null = null;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stopping ??= running.stop();
      stopping.then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'stopping failed');
          process.exit(1);
        },
      );
    });
  }
}
