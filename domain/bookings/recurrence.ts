import { Temporal } from 'temporal-polyfill';
import { invalidField } from '../shared/errors.ts';
import { toInstant, type CalendarDate } from '../shared/time.ts';
import type { BookingPeriod } from './booking.ts';

/** A booking that comes again each week, on the same local times. */
export interface WeeklyRecurrence {
  /** IANA name. */
  timeZone: string;
  /** The last local date on which it may begin, inclusive. */
  untilDate: CalendarDate;
}

const MOST_WEEKS = 104;

/**
 * The weeks of a recurring booking: each begins at the same local time as the first and lasts until
 * the same local time; where clocks change, its length in hours changes with them. Refuses an open
 * end, a zone that does not exist, an end before the first week and more than 104 weeks.
 */
export function weeksOf(first: BookingPeriod, recurrence: WeeklyRecurrence): BookingPeriod[] {
  if (first.until === null) throw invalidField('bookings.recurring-open-end', 'until', 'is missing: a recurring booking needs an end');
  const [since, until] = [first.since, first.until].map((instant) => localOf(instant, recurrence.timeZone)) as [Temporal.ZonedDateTime, Temporal.ZonedDateTime];
  const last = dateOf(recurrence.untilDate);
  const weeks: BookingPeriod[] = [];
  for (let week = 0; ; week += 1) {
    const begin = since.add({ weeks: week });
    if (Temporal.PlainDate.compare(begin.toPlainDate(), last) > 0) break;
    if (week === MOST_WEEKS) throw invalidField('bookings.too-many-weeks', 'recurrence.until_date', `asks for more than ${MOST_WEEKS} weeks; give an earlier date`);
    weeks.push({ since: toInstant(begin.epochMilliseconds), until: toInstant(until.add({ weeks: week }).epochMilliseconds) });
  }
  if (weeks.length === 0) throw invalidField('bookings.recurrence-ends-early', 'recurrence.until_date', `${recurrence.untilDate} is before the first week`);
  return weeks;
}

function localOf(instant: string, timeZone: string): Temporal.ZonedDateTime {
  try {
    return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalidField('bookings.unknown-time-zone', 'recurrence.time_zone', `${JSON.stringify(timeZone)} is no zone of the IANA database; give a name such as Europe/Berlin`);
  }
}

function dateOf(text: CalendarDate): Temporal.PlainDate {
  try {
    return Temporal.PlainDate.from(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalidField('bookings.no-such-date', 'recurrence.until_date', `${JSON.stringify(text)} is no calendar date`);
  }
}
