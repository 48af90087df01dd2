import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { CalendarEvent, EventContent, OpenCalendar } from '../../domain/calendar/ports.ts';

/** A calendar of some provider, and what people do in it. */
export interface CalendarWorld {
  open: OpenCalendar;
  /** Every page of a listing holds at most this many events. */
  pageSize: number;
  /** A person moves an event. */
  move(id: string, to: { start: string; end: string }): Promise<void>;
  /** A person deletes an event. */
  remove(id: string): Promise<void>;
  /** A person makes an event; answers with its id. */
  make(summary: string): Promise<string>;
  end(): Promise<void>;
}

const NEVER = new AbortController().signal;
let made = 0;

const content = (given: Partial<EventContent> = {}): EventContent => ({
  summary: 'Bench is booked by Ada',
  description: 'Booked in Orrery: https://orrery.example.org/v1/bookings/bkg_1\nUntil it is released.',
  start: '2035-06-01T08:00:00.000Z',
  end: '2035-06-01T09:30:00.000Z',
  marks: { orreryOrganization: 'org_1', orreryBooking: 'bkg_1' },
  ...given,
});

/** What a provider keeps of an event, for comparing. */
const said = ({ summary, description, start, end, marks }: CalendarEvent): EventContent => ({ summary: summary ?? '', description: description ?? '', start: start ?? '', end: end ?? '', marks });

async function listAll(open: OpenCalendar, syncToken: string | null): Promise<{ events: CalendarEvent[]; syncToken: string; pages: number }> {
  const events: CalendarEvent[] = [];
  let pages = 0;
  for (let pageToken: string | null = null; ; ) {
    const page = await open.list({ syncToken, pageToken }, NEVER);
    events.push(...page.events);
    pages += 1;
    if (page.nextPageToken === null) return { events, syncToken: page.syncToken ?? '', pages };
    pageToken = page.nextPageToken;
  }
}

type Contract = (what: string, run: (t: ExecutionContext, world: CalendarWorld, id: string) => Promise<void>) => void;

/** Registers the tests that every provider of calendars passes. */
export function runCalendarContract(title: string, makeWorld: () => Promise<CalendarWorld>): void {
  const contract: Contract = (what, run) =>
    test(`${title}: ${what}`, async (t) => {
      const world = await makeWorld();
      t.teardown(() => world.end());
      made += 1;
      await run(t, world, `bkg${randomUUID().replaceAll('-', '')}${made}`);
    });
  eventTests(contract);
  listingTests(contract);
}

function eventTests(contract: Contract): void {
  contract('an event is made once under the id that was chosen', async (t, { open }, id) => {
    const event = await open.insert(id, content(), NEVER);
    t.like(event, { id, status: 'confirmed', isTransparent: true, isRecurring: false });
    t.deepEqual(said(event), content());
    t.like(await t.throwsAsync(open.insert(id, content(), NEVER)), { code: 'calendar.event-exists' });
    t.is((await listAll(open, null)).events.length, 1);
    t.deepEqual(await open.get(id, NEVER), event);
    t.is(await open.get(`${id}0`, NEVER), null);
  });

  contract('a change puts our content in place', async (t, { open }, id) => {
    await open.insert(id, content(), NEVER);
    const changed = content({ end: '2035-06-01T08:15:00.000Z', summary: 'Bench 2 is booked by Ada' });
    const after = await open.patch(id, changed, NEVER);
    t.deepEqual(said(after), changed);
    t.like(await t.throwsAsync(open.patch(`${id}0`, changed, NEVER)), { code: 'calendar.event-gone' });
  });

  contract('a deleted event keeps its id, and a change brings it back', async (t, { open }, id) => {
    await open.insert(id, content(), NEVER);
    await open.remove(id, NEVER);
    await t.notThrowsAsync(open.remove(id, NEVER));
    await t.notThrowsAsync(open.remove(`${id}0`, NEVER));
    t.is((await open.get(id, NEVER))?.status, 'cancelled');
    t.like(await t.throwsAsync(open.insert(id, content(), NEVER)), { code: 'calendar.event-exists' });
    t.deepEqual((await listAll(open, null)).events, []);
    t.is((await open.patch(id, content(), NEVER)).status, 'confirmed');
    t.is((await listAll(open, null)).events.length, 1);
  });

  contract('a call that nobody waits for any more is not made', async (t, { open }, id) => {
    const aborted = AbortSignal.abort(new Error('over'));
    await t.throwsAsync(open.insert(id, content(), aborted), { message: 'over' });
    t.is(await open.get(id, NEVER), null);
  });
}

function listingTests(contract: Contract): void {
  contract('a listing has every event once, page by page, and tells afterwards only of what changed', async (t, { open, pageSize, move, remove, make }, id) => {
    const ids = Array.from({ length: pageSize * 2 + 1 }, (_, index) => `${id}${index.toString(32)}`);
    for (const one of ids) await open.insert(one, content(), NEVER);
    const theirs = await make('Lunch');
    const all = await listAll(open, null);
    t.deepEqual(all.events.map((event) => event.id).toSorted(), [...ids, theirs].toSorted());
    t.true(all.pages >= 3);
    t.deepEqual((await listAll(open, all.syncToken)).events, []);
    const [first = '', second = ''] = ids;
    await move(first, { start: '2035-06-01T10:00:00.000Z', end: '2035-06-01T11:00:00.000Z' });
    await remove(second);
    const changes = await listAll(open, all.syncToken);
    t.deepEqual(changes.events.map((event) => `${event.id} ${event.status}`).toSorted(), [`${first} confirmed`, `${second} cancelled`].toSorted());
    t.like(changes.events.find((event) => event.id === first), { start: '2035-06-01T10:00:00.000Z', end: '2035-06-01T11:00:00.000Z', marks: content().marks });
    t.deepEqual((await listAll(open, changes.syncToken)).events, []);
  });
}
