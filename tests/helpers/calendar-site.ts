import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ExecutionContext } from 'ava';
import { createCalendarActivities } from '../../activities/calendar/index.ts';
import { calendarEntity } from '../../commands/calendar/calendar-entity.ts';
import { beginCalendar } from '../../commands/calendar/connect-calendar.ts';
import { advanceEntity, createEntity } from '../../commands/shared/entity-commands.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { saveCalendarKey } from '../../db/calendar/credentials-store.ts';
import { getCalendar } from '../../db/calendar/calendar-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Booker } from '../../domain/bookings/booking-rules.ts';
import { newCalendar, type Calendar } from '../../domain/calendar/calendar.ts';
import type { CalendarChannelSettings } from '../../domain/calendar/notifications.ts';
import type { GcpServiceAccountKey } from '../../domain/data-sources/cloud-credentials.ts';
import type { CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import type { Clock } from '../../domain/shared/time.ts';
import { calendarProviders, vaultOf } from '../../workers/dependencies.ts';
import type { CalendarAct } from '../../workflows/calendar/messages.ts';
import type { EntityRef, Performed } from '../../workflows/messages.ts';
import { insertEnvironment, insertPerson } from './bookings.ts';
import { anOrganization, outcomeOf, tester } from './connect.ts';
import { startCalendarStandIn, type CalendarStandIn } from './peers/google-calendar/stand-in.ts';
import type { OwnServers } from './own-servers.ts';
import { platform, type Platform } from './platform.ts';

/** A platform beside a Google Calendar, with somebody to book something. */
export interface CalendarSite {
  site: Platform;
  google: CalendarStandIn;
  key: GcpServiceAccountKey;
  organizationId: string;
  booker: Booker;
  environmentId: string;
}

export async function calendarSite(t: ExecutionContext, clock: Clock, servers?: Pick<OwnServers, 'databaseUrl' | 'temporalAddress'>): Promise<CalendarSite> {
  const google = await startCalendarStandIn();
  const key = google.accounts.create('bookings');
  google.share(key.client_email, 'writer');
  const site = await platform((config) => ({
    ...config,
    gcpEndpoints: { ...config.gcpEndpoints, token: google.tokenUrl },
    calendar: { ...config.calendar, endpoint: google.url },
  }), servers);
  t.teardown(async () => {
    await site.end();
    await google.stop();
  });
  const organizationId = await anOrganization(site);
  const booker = await insertPerson(site.db, organizationId, 'engineer', clock.now());
  const environmentId = await insertEnvironment(site.db, organizationId, { name: 'Bench' }, clock.now());
  return { site, google, key, organizationId, booker, environmentId };
}

/** Asks for the calendar as the API does; the workers try it. */
export async function askForCalendar(at: CalendarSite, clock: Clock, wish: { twoWay?: boolean; calendarId?: string | null; key?: GcpServiceAccountKey } = {}): Promise<CredentialCheck> {
  const { site, google, organizationId } = at;
  const key = wish.key ?? at.key;
  return await inTransaction(site.db, (tx) =>
    beginCalendar(tx, vaultOf(site.config), {
      organizationId,
      wish: { subject: 'calendar', name: 'google', provider: 'google', calendarId: google.calendarId, twoWay: wish.twoWay ?? false, account: key.client_email },
      secret: JSON.stringify(key),
      calendarId: wish.calendarId ?? null,
      at: clock.now(),
      by: tester,
    }),
  );
}

/** Connects the calendar; throws what the check found wrong. */
export async function connectCalendar(at: CalendarSite, clock: Clock, wish: { twoWay?: boolean } = {}): Promise<Calendar> {
  const check = await outcomeOf(at.site, await askForCalendar(at, clock, wish));
  if (check.error !== null) throw new Error(`${check.error.code}: ${check.error.message}`);
  return await calendarNow(at, check.dataSourceId);
}

export async function calendarNow({ site, organizationId }: CalendarSite, id: string): Promise<Calendar> {
  const calendar = await getCalendar(site.db, organizationId, id);
  if (calendar === null) throw new Error(`there is no calendar ${id}`);
  return calendar;
}

/** Puts a calendar in place without a probe, for tests that run its acts by hand. */
export async function insertConnected({ site, google, organizationId, key }: CalendarSite, clock: Clock, twoWay: boolean): Promise<Calendar> {
  const fields = { id: newId('calendar'), organizationId, provider: 'google' as const, calendarId: google.calendarId, account: key.client_email, twoWay, createdBy: tester };
  return await inTransaction(site.db, async (tx) => {
    const calendar = await createEntity(tx, calendarEntity, newCalendar(fields, clock.now()), 'calendar.connect', { at: clock.now(), by: tester });
    await saveCalendarKey(tx, organizationId, calendar.id, vaultOf(site.config).seal(JSON.stringify(key), calendar.id), clock.now());
    return calendar;
  });
}

/** Performs what a calendar wants at this instant until it wants nothing more, as its workflow does. */
export async function runCalendar(at: CalendarSite, clock: Clock, id: string, channels: CalendarChannelSettings | null = null): Promise<void> {
  const ref = { organizationId: at.organizationId, id };
  let plan = await inTransaction(at.site.db, (tx) => advanceEntity(tx, calendarEntity, ref, clock.now()));
  for (let act = plan.acts[0]; act !== undefined; act = plan.acts[0]) plan = (await perform(at, clock, ref, act, channels)).plan;
}

/** Performs one act of a calendar, whenever it was planned. Answers with what came of it. */
export async function performAct(at: CalendarSite, clock: Clock, ref: EntityRef, act: CalendarAct | undefined): Promise<string> {
  if (act === undefined) throw new Error('there is nothing to perform');
  return (await perform(at, clock, ref, act, null)).outcome;
}

async function perform({ site }: CalendarSite, clock: Clock, ref: EntityRef, act: CalendarAct, channels: CalendarChannelSettings | null): Promise<Performed<CalendarAct>> {
  const { db, config } = site;
  const activities = createCalendarActivities({ db, clock, vault: vaultOf(config), calendars: calendarProviders(config, { db }), publicUrl: config.http.publicUrl, channels });
  const performs = { 'sync-events': activities.syncEvents, 'look-at-calendar': activities.lookAtCalendar, 'remove-events': activities.removeEvents };
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
  return (await environment.run(() => performs[act.name](ref, act))) as Performed<CalendarAct>;
}
