import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { createApp } from '../../api/app.ts';
import { operations } from '../../api/operations.ts';
import { createLineItemReader } from '../../api/resources/line-item-reader.ts';
import { createToken } from '../../commands/identity/create-token.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { createPeriodReader } from '../../providers/aws/billing/period-reader.ts';
import { createWebhookTargets } from '../../providers/local/webhook-targets.ts';
import type { Clock } from '../../domain/shared/time.ts';
import { calendarProviders, cloudProviders, rawStoreOf, vaultOf } from '../../workers/dependencies.ts';
import type { Reply } from './api.ts';
import { tester } from './connect.ts';
import type { Platform } from './platform.ts';

/** The real API on a platform's database, by the clock that is travelled. */
export interface ClockedApi {
  /** Calls as a person, with a token made for them. */
  call(userId: string, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  stop(): Promise<void>;
}

export async function clockedApi({ config, db, log, directory }: Platform, clock: Clock): Promise<ClockedApi> {
  const app = createApp(
    {
      db,
      clock,
      vault: vaultOf(config),
      log,
      lineItems: createLineItemReader({ db, rawStore: rawStoreOf(config), periodReader: createPeriodReader(), scratchDirectory: directory }),
      oidc: null,
      webhookTargets: createWebhookTargets({ allowHttp: false, allowedNetworks: [] }),
      clouds: cloudProviders(config, { db, clock }),
      calendars: calendarProviders(config, { db }),
      calendarChannelSecrets: [randomBytes(32)],
      config: { publicUrl: 'https://orrery.test', importRoots: [], trustedProxies: 'loopback', checkAnswers: true },
    },
    operations,
  );
  const server = createServer(app);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tokens = new Map<string, string>();
  const tokenOf = async (userId: string): Promise<string> => {
    const known = tokens.get(userId);
    if (known !== undefined) return known;
    const request = { userId, name: 'test', scopes: ['admin' as const], organizationId: null, expiresAt: null, parent: null };
    const { secret } = await inTransaction(db, (tx) => createToken(tx, request, { at: clock.now(), by: tester }));
    tokens.set(userId, secret);
    return secret;
  };
  return {
    async call(userId, method, path, body, headers = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${await tokenOf(userId)}`, ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
