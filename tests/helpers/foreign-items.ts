import { createHash } from 'node:crypto';
import { createSandboxEvent } from '../../commands/calendar/sandbox-events.ts';
import { addSandboxFault } from '../../commands/sandbox/faults.ts';
import { createSandboxInstances } from '../../commands/sandbox/instances.ts';
import { createScalingGroup } from '../../commands/sandbox/scaling-groups.ts';
import { createCalendarFeed } from '../../commands/environments/calendar-feeds.ts';
import { addMailbox } from '../../commands/identity/mailboxes.ts';
import { openSession } from '../../commands/identity/open-session.ts';
import { addSshKey } from '../../commands/identity/ssh-keys.ts';
import { invite } from '../../commands/organizations/invitations.ts';
import { createPool } from '../../commands/pools/edit-pool.ts';
import { holdInstance } from '../../commands/power/hold-instances.ts';
import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { createWebhook } from '../../commands/webhooks/edit-webhook.ts';
import { pingWebhook } from '../../commands/webhooks/request-delivery.ts';
import { calendarOf, insertCalendar } from '../../db/calendar/calendar-store.ts';
import { insertDataSource } from '../../db/data-sources/data-source-store.ts';
import { insertImport } from '../../db/data-sources/import-store.ts';
import { insertToken } from '../../db/identity/token-store.ts';
import { lockUser } from '../../db/identity/user-store.ts';
import { insertWaitlistEntry } from '../../db/bookings/waitlist-store.ts';
import { insertOperation } from '../../db/operations/operation-store.ts';
import { inTransaction, violatedConstraint } from '../../db/shared/transaction.ts';
import { cancelDeliveriesOf } from '../../db/webhooks/delivery-store.ts';
import { newCalendar } from '../../domain/calendar/calendar.ts';
import type { Application } from '../../domain/projects/application.ts';
import { noDiscoveryYet } from '../../domain/data-sources/discovery.ts';
import { system } from '../../domain/shared/entity.ts';
import { PUBLIC_URL, type TestApi } from './api.ts';
import { applying } from './applications.ts';
import { book, insertEnvironment, insertPerson } from './bookings.ts';
import { sandboxFaultWish, sandboxWish } from './sandbox.ts';
import { insertInstances, ruleOf } from './power.ts';
import { sshPublicKey } from './ssh-keys.ts';

const TEST = system('test');

/** Makes one item that belongs to the organization, or to a person of their own, and answers with its id. */
export type MakeItem = (api: TestApi, organizationId: string) => Promise<string>;

async function operation(api: TestApi, organizationId: string): Promise<string> {
  const id = newId('operation');
  const row = { id, organizationId, kind: 'billing.import', subjectId: id, workflowId: `data-source/${id}`, createdAt: api.clock.now() };
  await inTransaction(api.db, (tx) => insertOperation(tx, row));
  return id;
}

async function dataSource(api: TestApi, organizationId: string): Promise<string> {
  const id = newId('data-source');
  const at = api.clock.now();
  // An account number of its own: twelve digits.
  const accountId = (BigInt(`0x${createHash('sha256').update(id).digest('hex')}`) % 10n ** 12n).toString().padStart(12, '0');
  await inTransaction(api.db, (tx) =>
    insertDataSource(tx, {
      id,
      organizationId,
      cloud: 'aws',
      kind: 'root',
      name: id,
      accountId,
      connection: {},
      credentialsKind: 'none',
      export: null,
      linkedAccounts: 'all',
      importIntervalMinutes: 1440,
      initialMonths: 4,
      state: 'active',
      scheduleApplied: 'none',
      version: 1,
      fence: 0,
      nextDueAt: null,
      lastAt: at,
      lastAttemptAt: null,
      lastSuccessAt: null,
      lastError: null,
      warnings: [],
      createdAt: at,
      running: null,
      waiting: null,
      ended: [],
      discovery: noDiscoveryYet(10),
    }),
  );
  return id;
}

async function billingImport(api: TestApi, organizationId: string): Promise<string> {
  const dataSourceId = await dataSource(api, organizationId);
  const operationId = await operation(api, organizationId);
  const id = newId('billing-import');
  await inTransaction(api.db, (tx) =>
    insertImport(tx, {
      id,
      organizationId,
      dataSourceId,
      operationId,
      cause: 'request',
      automatic: true,
      requestedMonths: [],
      state: 'scheduled',
      cancelRequestedAt: null,
      fence: null,
      attempts: 0,
      periods: null,
      error: null,
      createdAt: api.clock.now(),
      startedAt: null,
      finishedAt: null,
    }),
  );
  return id;
}

async function resource(api: TestApi, organizationId: string): Promise<string> {
  const id = newId('resource');
  const at = api.clock.now();
  await api.db('resources').insert({
    id,
    organization_id: organizationId,
    cloud: 'aws',
    account_id: '111122223333',
    native_id: id,
    is_named_line: false,
    resource_name: id,
    resource_type: 'Instance',
    service_name: 'Amazon Elastic Compute Cloud',
    region_id: 'eu-west-1',
    tags: {},
    first_seen: at,
    last_seen: at,
  });
  return id;
}

async function instance(api: TestApi, organizationId: string): Promise<string> {
  const dataSourceId = await dataSource(api, organizationId);
  const [id = ''] = await insertInstances(api.db, { organizationId, dataSourceId }, [{}], api.clock.now());
  return id;
}

async function sandboxInstance(api: TestApi, organizationId: string): Promise<string> {
  const key = { organizationId, accountId: 'sandbox' };
  const made = await inTransaction(api.db, (tx) => createSandboxInstances(tx, { key, wish: sandboxWish(), count: 1 }, { at: api.clock.now(), by: TEST }));
  return made[0]?.id ?? '';
}

async function sandboxFault(api: TestApi, organizationId: string): Promise<string> {
  const request = { key: { organizationId, accountId: 'sandbox' }, wish: sandboxFaultWish('no-capacity', { remaining: 1 }) };
  return (await inTransaction(api.db, (tx) => addSandboxFault(tx, request, { at: api.clock.now(), by: TEST }))).id;
}

async function sandboxScalingGroup(api: TestApi, organizationId: string): Promise<string> {
  const request = { key: { organizationId, accountId: 'sandbox' }, name: newId('ledger-entry'), replacedAfterSeconds: 30 };
  return (await inTransaction(api.db, (tx) => createScalingGroup(tx, request, { at: api.clock.now(), by: TEST }))).id;
}

async function member(api: TestApi, organizationId: string): Promise<string> {
  return (await api.member(organizationId, 'member')).id;
}

/** A token of a person who is nobody else in the test: what one person owns does not exist for another either. */
async function token(api: TestApi, organizationId: string): Promise<string> {
  const id = newId('api-token');
  const owner = await api.person();
  const row = { id, userId: owner.id, organizationId, name: 'foreign', scopes: ['read' as const] };
  const times = { createdAt: api.clock.now(), expiresAt: null, revokedAt: null, lastUsedAt: null };
  await inTransaction(api.db, (tx) => insertToken(tx, { ...row, ...times }, createHash('sha256').update(id).digest()));
  return id;
}

async function powerSchedule(api: TestApi, organizationId: string): Promise<string> {
  const at = api.clock.now();
  const wish = { organizationId, name: newId('power-schedule'), description: '', rule: ruleOf({}, at), tagSelector: null, enabled: true };
  return (await inTransaction(api.db, (tx) => createSchedule(tx, { ...wish, resourceIds: [], applyNow: false }, { at, by: TEST }))).schedule.id;
}

async function powerRun(api: TestApi, organizationId: string): Promise<string> {
  const resourceId = await instance(api, organizationId);
  const wish = { resourceId, wanted: 'on' as const, until: null, reason: '' };
  const { run } = await inTransaction(api.db, (tx) => holdInstance(tx, organizationId, wish, { at: api.clock.now(), by: TEST, cause: 'start' }));
  return run?.run.id ?? '';
}

async function environment(api: TestApi, organizationId: string): Promise<string> {
  return await insertEnvironment(api.db, organizationId, {}, api.clock.now());
}

async function booking(api: TestApi, organizationId: string): Promise<string> {
  const at = api.clock.now();
  const booker = await insertPerson(api.db, organizationId, 'engineer', at);
  const environmentId = await environment(api, organizationId);
  return (await book(api.db, { organizationId, environmentId, booker, at, since: at, until: null })).id;
}

async function waitlistEntry(api: TestApi, organizationId: string): Promise<string> {
  const at = api.clock.now();
  const id = newId('waitlist-entry');
  const { userId } = await insertPerson(api.db, organizationId, 'engineer', at);
  const environmentId = await environment(api, organizationId);
  const entry = { id, organizationId, environmentId, userId, since: at, until: null, state: 'waiting' as const, offeredBookingId: null };
  await inTransaction(api.db, (tx) => insertWaitlistEntry(tx, { ...entry, createdAt: at, lastAt: at }));
  return id;
}

async function pool(api: TestApi, organizationId: string): Promise<string> {
  const wish = { organizationId, name: newId('ledger-entry'), parentId: null, ownerUserId: null };
  return (await inTransaction(api.db, (tx) => createPool(tx, wish, { at: api.clock.now(), by: TEST }))).id;
}

async function calendarFeed(api: TestApi, organizationId: string): Promise<string> {
  const { id: userId } = await api.member(organizationId, 'member');
  return (await inTransaction(api.db, (tx) => createCalendarFeed(tx, { organizationId, userId }, { at: api.clock.now(), by: TEST }))).feed.id;
}

/** A key of a person who is nobody else in the test. */
async function sshKey(api: TestApi): Promise<string> {
  const { id: userId } = await api.person();
  const request = { userId, name: 'foreign', publicKey: sshPublicKey(), isDefault: false };
  return (await inTransaction(api.db, (tx) => addSshKey(tx, request, { at: api.clock.now(), by: TEST }))).id;
}

async function webhook(api: TestApi, organizationId: string): Promise<string> {
  const wish = { organizationId, environmentId: null, name: 'foreign', url: 'https://hooks.example.org', events: ['booking.created' as const], headers: {}, enabled: true };
  return (await inTransaction(api.db, (tx) => createWebhook(tx, api.deps.vault, wish, { at: api.clock.now(), by: TEST }))).webhook.id;
}

async function webhookDelivery(api: TestApi, organizationId: string): Promise<string> {
  const id = await webhook(api, organizationId);
  const delivery = await inTransaction(api.db, (tx) => pingWebhook(tx, { organizationId, id }, { at: api.clock.now(), by: TEST }));
  await inTransaction(api.db, (tx) => cancelDeliveriesOf(tx, organizationId, id, 'webhook-disabled', api.clock.now()));
  return delivery.id;
}

async function projectPurpose(api: TestApi, organizationId: string): Promise<string> {
  return (await applying(api.db, organizationId).purpose(api.clock.now())).id;
}

/** An application for a project, under review. */
async function applied(api: TestApi, organizationId: string): Promise<Application> {
  const { id: userId } = await api.member(organizationId, 'engineer');
  // Where the organization has purposes a project names one.
  const purposeId = await projectPurpose(api, organizationId);
  return await applying(api.db, organizationId).project({ userId, role: 'engineer', as: 'manager' }, api.clock.now(), { purposeId });
}

async function application(api: TestApi, organizationId: string): Promise<string> {
  return (await applied(api, organizationId)).id;
}

async function project(api: TestApi, organizationId: string): Promise<string> {
  return (await applied(api, organizationId)).projectId;
}

/** A mailbox of a person who is nobody else in the test. */
async function mailbox(api: TestApi): Promise<string> {
  const { id: userId } = await api.person();
  const desk = { vault: api.deps.vault, publicUrl: PUBLIC_URL };
  const request = { userId, address: `${newId('mailbox')}@example.net` };
  return (await inTransaction(api.db, (tx) => addMailbox(tx, desk, request, { at: api.clock.now(), by: TEST }))).id;
}

/** A session of a person who is nobody else in the test. */
async function session(api: TestApi): Promise<string> {
  const { id } = await api.person();
  const place = { address: '198.51.100.7', userAgent: undefined, requestId: 'test', at: api.clock.now(), session: null, device: null };
  await inTransaction(api.db, async (tx) => {
    const owner = await lockUser(tx, id);
    if (owner !== null) await openSession(tx, owner, 'password', place);
  });
  return ((await api.db('sessions').where('user_id', id).first('id')) as { id: string }).id;
}

async function invitation(api: TestApi, organizationId: string): Promise<string> {
  const { id: invitedBy } = await api.member(organizationId, 'member');
  const desk = { vault: api.deps.vault, publicUrl: PUBLIC_URL };
  const request = { organizationId, address: `${newId('invitation')}@example.net`, role: 'member' as const, invitedBy };
  return (await inTransaction(api.db, (tx) => invite(tx, desk, request, { at: api.clock.now(), by: TEST }))).id;
}

async function calendar(api: TestApi, organizationId: string): Promise<string> {
  const fields = { id: newId('calendar'), organizationId, provider: 'sandbox' as const, calendarId: 'sandbox', account: null, twoWay: false, createdBy: TEST };
  // An organization has one: tests beside each other share it.
  await inTransaction(api.db, (tx) => insertCalendar(tx, newCalendar(fields, api.clock.now()))).catch((error: unknown) => {
    if (violatedConstraint(error) !== 'calendars_one_an_organization') throw error;
  });
  return (await calendarOf(api.db, organizationId))?.id ?? '';
}

async function sandboxCalendarEvent(api: TestApi, organizationId: string): Promise<string> {
  const wish = { summary: 'Lunch', start: '2026-11-21T12:00:00.000Z', end: '2026-11-21T13:00:00.000Z' };
  return (await inTransaction(api.db, (tx) => createSandboxEvent(tx, { organizationId, calendarId: 'sandbox' }, wish))).id;
}

async function user(api: TestApi): Promise<string> {
  return (await api.person()).id;
}

/**
 * How to make an item of each collection, by the path segment before its id. The generated access
 * tests fail for a collection that is missing here.
 */
export const itemMakers: Record<string, MakeItem> = {
  operations: operation,
  'data-sources': dataSource,
  'billing-imports': billingImport,
  resources: resource,
  instances: instance,
  'sandbox-instances': sandboxInstance,
  'sandbox-faults': sandboxFault,
  'sandbox-scaling-groups': sandboxScalingGroup,
  'power-schedules': powerSchedule,
  'power-runs': powerRun,
  environments: environment,
  bookings: booking,
  'waitlist-entries': waitlistEntry,
  members: member,
  tokens: token,
  pools: pool,
  'calendar-feeds': calendarFeed,
  'ssh-keys': sshKey,
  mailboxes: mailbox,
  sessions: session,
  invitations: invitation,
  users: user,
  calendars: calendar,
  'sandbox-calendar-events': sandboxCalendarEvent,
  webhooks: webhook,
  'project-purposes': projectPurpose,
  applications: application,
  projects: project,
  'webhook-deliveries': webhookDelivery,
};
