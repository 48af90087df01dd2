import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createApp } from '../../api/app.ts';
import { operations } from '../../api/operations.ts';
import { createLineItemReader } from '../../api/resources/line-item-reader.ts';
import type { ApiDependencies } from '../../api/shared/dependencies.ts';
import type { Operation } from '../../api/shared/operation.ts';
import { createToken, type CreateToken } from '../../commands/identity/create-token.ts';
import { createUser } from '../../commands/identity/create-user.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { insertMembership } from '../../db/organizations/membership-store.ts';
import { insertOrganization } from '../../db/organizations/organization-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { TokenScope } from '../../domain/identity/token-scope.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusMilliseconds, toInstant, type Clock, type Instant } from '../../domain/shared/time.ts';
import { createPeriodReader } from '../../providers/aws/billing/period-reader.ts';
import { createDirectoryRawStore } from '../../providers/local/directory-raw-store.ts';
import { createSecretVault } from '../../providers/local/secret-vault.ts';
import { createWebhookTargets } from '../../providers/local/webhook-targets.ts';
import { calendarProviders, cloudProviders } from '../../workers/dependencies.ts';
import { activate } from './activate.ts';
import { NO_OWN_ENDPOINTS } from './cloud-endpoints.ts';
import { freshDatabase, type FreshDatabase } from './database.ts';

/** The origin the API under test believes to be served at. */
export const PUBLIC_URL = 'https://orrery.test';
const TEST = system('test');

export interface Call {
  method?: string;
  token?: string | undefined;
  /** Sent as JSON unless `headers` says otherwise. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Reply {
  status: number;
  headers: Headers;
  // Tests read into answers as they please; the app itself compares each answer with its schema.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** A clock that runs with the computer's and can be set forward. */
export interface TestClock extends Clock {
  forward(milliseconds: number): void;
}

/** Someone with a token that holds every scope. */
export interface Person {
  id: string;
  email: string;
  token: string;
}

/** The real app on a database of its own, listening on a port of its own; every answer is checked against its declared schema. */
export interface TestApi extends FreshDatabase {
  baseUrl: string;
  deps: ApiDependencies;
  clock: TestClock;
  /** What the app logged, a JSON line each. */
  logged: string[];
  call(path: string, call?: Call): Promise<Reply>;
  organization(name?: string): Promise<string>;
  /** Somebody with a verified mailbox, activated, unless said otherwise. */
  person(options?: { platformAdministrator?: boolean; passwordHash?: string | null; activated?: boolean; emailVerified?: boolean }): Promise<Person>;
  /** A new person with this role in the organization. */
  member(organizationId: string, role: OrganizationRole): Promise<Person>;
  token(userId: string, options?: { scopes?: TokenScope[]; organizationId?: string | null; expiresAt?: Instant | null }): Promise<string>;
  end(): Promise<void>;
}

export async function startTestApi(extra: Operation[] = []): Promise<TestApi> {
  const database = await freshDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'orrery-api-'));
  const clock = testClock();
  const logged: string[] = [];
  const deps: ApiDependencies = {
    db: database.db,
    clock,
    vault: createSecretVault({ current: randomBytes(32), previous: [] }),
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
    lineItems: createLineItemReader({
      db: database.db,
      rawStore: createDirectoryRawStore(directory),
      periodReader: createPeriodReader(),
      scratchDirectory: directory,
    }),
    oidc: null,
    webhookTargets: createWebhookTargets({ allowHttp: false, allowedNetworks: [] }),
    clouds: cloudProviders(NO_OWN_ENDPOINTS, { db: database.db, clock }),
    calendars: calendarProviders({ ...NO_OWN_ENDPOINTS, calendar: { endpoint: null, watch: false } }, { db: database.db }),
    calendarChannelSecrets: [randomBytes(32)],
    config: { publicUrl: PUBLIC_URL, importRoots: [directory], trustedProxies: 'loopback', checkAnswers: true },
  };
  const server = createServer(createApp(deps, [...operations, ...extra]));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...database,
    ...peopleOf(deps),
    baseUrl,
    deps,
    clock,
    logged,
    call: (path, call) => callApi(baseUrl, path, call),
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.drop();
      rmSync(directory, { recursive: true });
    },
  };
}

function testClock(): TestClock {
  let ahead = 0;
  return {
    now: () => plusMilliseconds(toInstant(Date.now()), ahead),
    forward(milliseconds) {
      ahead += milliseconds;
    },
  };
}

async function callApi(baseUrl: string, path: string, { method = 'GET', token, body, headers = {} }: Call = {}): Promise<Reply> {
    const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
}

function peopleOf({ db, clock }: ApiDependencies): Pick<TestApi, 'organization' | 'person' | 'member' | 'token'> {
  let count = 0;
  const everything: TokenScope[] = ['admin'];
  const token: TestApi['token'] = async (userId, { scopes = everything, organizationId = null, expiresAt = null } = {}) =>
    await inTransaction(db, async (tx) => {
      const request: CreateToken = { userId, name: 'test', scopes, organizationId, expiresAt, parent: null };
      return (await createToken(tx, request, { at: clock.now(), by: TEST })).secret;
    });
  const person: TestApi['person'] = async ({ platformAdministrator = false, passwordHash = null, activated = true, emailVerified = true } = {}) => {
    count += 1;
    const email = `person${count}@example.org`;
    const request = { email, displayName: `Person ${count}`, passwordHash, platformAdministrator, emailVerified };
    const { id } = await inTransaction(db, (tx) => createUser(tx, request, { at: clock.now(), by: TEST }));
    if (activated) await activate(db, id, clock.now());
    return { id, email, token: await token(id) };
  };
  return {
    token,
    person,
    async organization(name = 'Acme') {
      const id = newId('organization');
      const at = clock.now();
      await inTransaction(db, (tx) => insertOrganization(tx, { id, name, version: 1, createdAt: at, lastAt: at }));
      return id;
    },
    async member(organizationId, role) {
      const someone = await person();
      const membership = { organizationId, userId: someone.id, role, version: 1, createdAt: clock.now() };
      await inTransaction(db, (tx) => insertMembership(tx, membership));
      return someone;
    },
  };
}
