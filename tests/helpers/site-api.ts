import { startApi } from '../../api/main.ts';
import { createToken } from '../../commands/identity/create-token.ts';
import { createUser } from '../../commands/identity/create-user.ts';
import { insertMembership } from '../../db/organizations/membership-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { activate } from './activate.ts';
import { tester } from './connect.ts';
import type { Platform } from './platform.ts';

export interface SiteApi {
  /** Calls as a manager of the organization. */
  call(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string> }): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }>;
  stop(): Promise<void>;
}

/** The API as it is started in production, on a platform's database, with one manager of `organizationId`. */
export async function siteApi(site: Platform, organizationId: string): Promise<SiteApi> {
  const decision = { at: systemClock.now(), by: tester };
  const token = await inTransaction(site.db, async (tx) => {
    const email = `manager-of-${organizationId}@example.org`;
    const { id: userId } = await createUser(tx, { email, displayName: 'Manager', passwordHash: null, platformAdministrator: false, emailVerified: true }, decision);
    await activate(tx, userId, decision.at);
    await insertMembership(tx, { organizationId, userId, role: 'manager', version: 1, createdAt: decision.at });
    const request = { userId, name: 'test', scopes: ['admin' as const], organizationId: null, expiresAt: null, parent: null };
    return (await createToken(tx, request, decision)).secret;
  });
  const api = await startApi(site.config, site.log);
  return {
    async call(method, path, { body, headers = {} } = {}) {
      const response = await fetch(`${api.url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> };
    },
    stop: () => api.stop(),
  };
}
