import test from 'ava';
import { createGoogleCalendar } from '../../providers/google-calendar/provider.ts';
import { GOOGLE_CALENDAR_DEFAULTS } from '../../providers/google-calendar/settings.ts';
import { runCalendarContract } from '../helpers/calendar-contract.ts';
import { newPrivateKey } from '../helpers/peers/gcp/accounts.ts';
import { REFUSALS, startCalendarStandIn, type CalendarStandIn, type Fault } from '../helpers/peers/google-calendar/stand-in.ts';
import type { OpenCalendar } from '../../domain/calendar/ports.ts';

const NEVER = new AbortController().signal;
const PAGE = 4;
const privateKey = newPrivateKey();

async function opened(right: 'writer' | 'reader' | null = 'writer'): Promise<{ google: CalendarStandIn; open: OpenCalendar }> {
  const google = await startCalendarStandIn();
  const key = google.accounts.create('bookings', undefined, { privateKey });
  google.share(key.client_email, right);
  const provider = createGoogleCalendar({ ...GOOGLE_CALENDAR_DEFAULTS, endpoints: { calendar: google.url, token: google.tokenUrl }, pageSize: PAGE, requestTimeoutMs: 3_000 });
  return { google, open: provider.open({ organizationId: 'org_1', calendarId: google.calendarId }, key) };
}

runCalendarContract('Google Calendar', async () => {
  const { google, open } = await opened();
  return {
    open,
    pageSize: PAGE,
    move: async (id, { start, end }) => google.state.edit(id, { start: { dateTime: start }, end: { dateTime: end } }),
    remove: async (id) => google.state.delete(id),
    make: async (summary) => google.state.make({ summary, start: { date: '2035-06-02' }, end: { date: '2035-06-03' } }).id,
    end: () => google.stop(),
  };
});

const FAULTS: [string, Fault, string][] = [
  ['403 rateLimitExceeded', REFUSALS.rateLimit, 'calendar.throttled'],
  ['403 userRateLimitExceeded', REFUSALS.userRateLimit, 'calendar.throttled'],
  ['403 quotaExceeded', REFUSALS.quota, 'calendar.quota-exceeded'],
  ['403 forbidden', REFUSALS.forbidden, 'calendar.not-allowed'],
  ['429', REFUSALS.tooMany, 'calendar.throttled'],
  ['500', REFUSALS.backend, 'calendar.unavailable'],
  ['503', REFUSALS.unavailable, 'calendar.unavailable'],
  ['a page of some proxy', { status: 502, reason: '', message: '' }, 'calendar.unavailable'],
  ['a connection that ends', 'no-answer', 'calendar.unavailable'],
  ['400', { status: 400, reason: 'invalid', message: 'Invalid value' }, 'calendar.rejected'],
  ['401', { status: 401, reason: 'authError', message: 'Invalid Credentials' }, 'calendar.bad-credentials'],
  ['an API that is switched off', { status: 403, reason: 'accessNotConfigured', message: 'Google Calendar API has not been used in project 1 before or it is disabled.' }, 'calendar.api-disabled'],
];

test('what Google refuses has a name, is asked once, and holds nothing of the request', async (t) => {
  const { google, open } = await opened();
  t.teardown(() => google.stop());
  for (const [what, fault, code] of FAULTS) {
    google.fail(fault);
    const error = await t.throwsAsync(open.list({ syncToken: null, pageToken: null }, NEVER), undefined, what);
    t.like(error, { code }, what);
    t.notRegex(JSON.stringify(error), /ya29|PRIVATE|Bearer/);
    t.is(error.cause, undefined);
  }
  t.is(google.calls.length, 0);
  google.fail({ ...REFUSALS.tooMany, retryAfter: '37' });
  t.like(await t.throwsAsync(open.list({ syncToken: null, pageToken: null }, NEVER)), { retryAfterSeconds: 37 });
});

test('a calendar that never answers fails at the time-out', async (t) => {
  const { google, open } = await opened();
  t.teardown(() => google.stop());
  const go = google.hold();
  t.like(await t.throwsAsync(open.get('bkg00000', NEVER)), { code: 'calendar.unavailable' });
  go();
});

test('rights say what they lack: nothing shared, reading only, a key of nobody', async (t) => {
  const unshared = await opened(null);
  t.teardown(() => unshared.google.stop());
  t.like(await t.throwsAsync(unshared.open.list({ syncToken: null, pageToken: null }, NEVER)), { code: 'calendar.not-shared' });
  const reader = await opened('reader');
  t.teardown(() => reader.google.stop());
  t.like(await t.throwsAsync(reader.open.remove('bkg00000', NEVER)), { code: 'calendar.not-allowed' });
  reader.google.accounts.remove('bookings@acme-calendars.iam.gserviceaccount.com');
  reader.google.accounts.revokeTokens();
  const error = await t.throwsAsync(reader.open.get('bkg00000', NEVER));
  t.like(error, { code: 'calendar.bad-credentials' });
});

test('a place in the list of changes that Google has forgotten is told by its name', async (t) => {
  const { google, open } = await opened();
  t.teardown(() => google.stop());
  const { syncToken } = await open.list({ syncToken: null, pageToken: null }, NEVER);
  google.state.forgetTokens();
  t.like(await t.throwsAsync(open.list({ syncToken, pageToken: null }, NEVER)), { code: 'calendar.sync-token-lost' });
});

test('an event that somebody made repeat is one event again, and what else they added stays', async (t) => {
  const { google, open } = await opened();
  t.teardown(() => google.stop());
  const content = { summary: 'Bench', description: '', start: '2035-06-01T08:00:00.000Z', end: '2035-06-01T09:00:00.000Z', marks: { orreryBooking: 'bkg_1' } };
  await open.insert('bkg00000', content, NEVER);
  google.state.edit('bkg00000', { recurrence: ['RRULE:FREQ=DAILY'], location: 'Lab 3', start: { date: '2035-06-01', dateTime: null }, end: { date: '2035-06-02', dateTime: null } });
  t.like(await open.get('bkg00000', NEVER), { isRecurring: true, start: null });
  t.like(await open.patch('bkg00000', content, NEVER), { isRecurring: false, start: content.start, end: content.end });
  t.is(google.state.shown()[0]?.location, 'Lab 3');
});

test('a channel is opened with our token and closed', async (t) => {
  const { google, open } = await opened();
  t.teardown(() => google.stop());
  const channel = await open.channels?.open({ id: 'one', address: 'https://orrery.example.org/v1/calendar-notifications', token: 'secret', seconds: 3600 }, NEVER);
  t.like(google.channels.get('one'), { token: 'secret', address: 'https://orrery.example.org/v1/calendar-notifications' });
  t.true(Date.parse(channel?.expiresAt ?? '') > Date.now());
  if (channel !== undefined) await open.channels?.close(channel, NEVER);
  t.is(google.channels.size, 0);
  await t.notThrowsAsync(async () => await open.channels?.close({ id: 'one', resourceId: 'r' }, NEVER));
});
