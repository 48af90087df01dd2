import type { RequestHandler } from 'express';
import ical, { escape, ICalCalendarMethod, ICalEventBusyStatus, ICalEventStatus } from 'ical-generator';
import { hashSecret } from '../../commands/identity/secrets.ts';
import { calendarBookings, calendarEnvironments, nearestBookings } from '../../db/environments/calendar.ts';
import { organizationByFeedToken } from '../../db/environments/feed-store.ts';
import { FEED_DAYS } from '../../domain/environments/calendar-feed.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import type { ApiDependencies } from '../shared/dependencies.ts';
import { linkLimits } from './collector-limits.ts';

const DAY_MS = 86_400_000;
/** Calendar programs read the whole of it each time; more than this they take in badly, or not at all. */
const MOST = 20_000;

/**
 * GET of a secret calendar link: every booking from 30 days ago to a year ahead as iCalendar (RFC
 * 5545); of more than MOST those nearest to now, and then its description says so. Of people it holds names alone. An open-ended booking ends where the feed does. A link that is
 * unknown, revoked, or whose person has left gets the same 404.
 */
export function feedHandler(deps: ApiDependencies): RequestHandler<{ secret: string }> {
  const limits = linkLimits(deps.db);
  return async (request, response) => {
    const address = request.ip ?? 'unknown';
    await limits.refuseGuessers(address);
    const organization = await organizationByFeedToken(deps.db, hashSecret(request.params.secret));
    if (organization === null) {
      await limits.countWrong(address);
      throw noFeed();
    }
    const text = await calendarText(deps, organization, deps.clock.now());
    response.setHeader('Content-Type', 'text/calendar; charset=utf-8');
    response.setHeader('Cache-Control', 'private, max-age=300');
    response.send(text);
  };
}

function noFeed(): DomainError {
  return new DomainError({
    kind: 'not-found',
    code: 'environments.no-such-feed',
    message: 'There is no such calendar link, or not any more. Make a new one in the organization.',
  });
}

async function calendarText(deps: ApiDependencies, organization: { id: string; name: string }, at: Instant): Promise<string> {
  const window = { from: plusMilliseconds(at, -FEED_DAYS.back * DAY_MS), to: plusMilliseconds(at, FEED_DAYS.ahead * DAY_MS) };
  const [known, found] = await Promise.all([
    calendarEnvironments(deps.db, organization.id, null, MOST),
    calendarBookings(deps.db, organization.id, null, window, MOST + 1),
  ]);
  const isCut = found.length > MOST;
  const bookings = isCut ? await nearestBookings(deps.db, organization.id, window, at, MOST) : found;
  const environments = new Map(known.map((environment) => [environment.id, environment]));
  const calendar = ical({
    // The two texts that the library leaves as they are.
    name: escape(`${organization.name}: environments`, false),
    ...(isCut && { description: escape(`There are more bookings than this calendar holds: it has the ${MOST} nearest to ${at.slice(0, 10)} ${at.slice(11, 16)} UTC.`, false) }),
    prodId: { company: 'Orrery', product: 'Environments', language: 'EN' },
    method: ICalCalendarMethod.PUBLISH,
    ttl: 300,
  });
  for (const booking of bookings) {
    const environment = environments.get(booking.environment_id);
    if (environment === undefined) continue;
    calendar.createEvent({
      id: `${booking.id}@${new URL(deps.config.publicUrl).hostname}`,
      sequence: booking.version,
      stamp: new Date(at),
      start: new Date(booking.since),
      end: new Date(booking.until ?? window.to),
      summary: `${environment.name}: ${booking.state === 'offered' ? 'held for' : 'booked by'} ${booking.display_name}`,
      status: booking.state === 'offered' ? ICalEventStatus.TENTATIVE : ICalEventStatus.CONFIRMED,
      // It takes the environment's time, not that of whoever looks.
      busystatus: ICalEventBusyStatus.FREE,
    });
  }
  return calendar.toString();
}
