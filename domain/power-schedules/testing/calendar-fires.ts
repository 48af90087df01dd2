import { Temporal } from 'temporal-polyfill';
import type { Instant } from '../../shared/time.ts';
import type { Fire } from '../recurrence.ts';
import type { ScheduleRule } from '../schedule-rule.ts';

const DAYS = ['', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/**
 * What the engine must say, date by date and slowly, in the words of Temporal's calendar: the fires in (`after`, `upTo`], the
 * superseded ones too.
 */
export function calendarFires(rule: ScheduleRule, after: Instant, upTo: Instant): Fire[] {
  const all: Fire[] = [];
  const end = dateAt(rule.timeZone, upTo).add({ days: 2 });
  for (let date = dateAt(rule.timeZone, after).subtract({ days: 2 }); Temporal.PlainDate.compare(date, end) <= 0; date = date.add({ days: 1 })) {
    if (rule.skipDates.includes(date.toString())) continue;
    for (const trigger of rule.triggers) {
      if (!trigger.days.some((day) => day === DAYS[date.dayOfWeek])) continue;
      const local = date.toPlainDateTime(trigger.time);
      const when = whenRead(rule, local);
      if (when === null || !isWithin(rule, when.at) || when.at <= after || when.at > upTo) continue;
      all.push({ ...when, localTime: local.toString().slice(0, 16), action: trigger.action, supersededBy: null });
    }
  }
  return markSuperseded(all);
}

/** In time order, each pointing to the latest local time of its instant, unless it is that one. */
export function markSuperseded(fires: Fire[]): Fire[] {
  fires.sort((a, b) => compare(a.at, b.at) || compare(a.localTime, b.localTime));
  for (let index = fires.length - 2; index >= 0; index -= 1) {
    const [fire, next] = [fires[index] as Fire, fires[index + 1] as Fire];
    if (fire.at === next.at) fire.supersededBy = next.supersededBy ?? next.localTime;
  }
  return fires;
}

function whenRead(rule: ScheduleRule, local: Temporal.PlainDateTime): Pick<Fire, 'at' | 'moved'> | null {
  const read = local.toZonedDateTime(rule.timeZone, { disambiguation: rule.overlapPolicy === 'first' ? 'earlier' : 'later' });
  if (read.toPlainDateTime().equals(local)) return { at: instant(read), moved: null };
  if (rule.gapPolicy === 'skip') return null;
  const beforeGap = local.toZonedDateTime(rule.timeZone, { disambiguation: 'earlier' });
  const gapEnd = beforeGap.getTimeZoneTransition('next');
  if (gapEnd === null) throw new Error(`${local.toString()} is not read in ${rule.timeZone}, and no clock change follows`);
  return { at: instant(gapEnd), moved: 'gap' };
}

export function isWithin({ validFrom, validUntil }: ScheduleRule, at: Instant): boolean {
  return (validFrom === null || at >= validFrom) && (validUntil === null || at < validUntil);
}

function dateAt(timeZone: string, at: Instant): Temporal.PlainDate {
  return Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDate();
}

function instant(zoned: Temporal.ZonedDateTime): Instant {
  return zoned.toInstant().toString({ fractionalSecondDigits: 3 });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
