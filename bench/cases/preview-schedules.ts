import { WEEKDAYS } from '../../domain/power-schedules/schedule-rule.ts';
import type { ScheduleRule } from '../../domain/power-schedules/schedule-rule.ts';

/** What both sides are asked. */
export interface PreviewInput {
  question: 'fires' | 'year' | 'sweep';
  /** How often, each time for another schedule. */
  schedules: number;
  /** The questions start here. */
  after: string;
}

/** Times of day that no clock change touches, so that every library must say the same. */
export interface OfficeHours {
  zone: string;
  on: string;
  off: string;
}

export const FIRES = 1_000;

const ZONES = [
  'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney', 'America/Sao_Paulo',
  'Europe/London', 'America/Los_Angeles', 'Asia/Kolkata', 'Africa/Johannesburg', 'UTC',
];

/** Working days, on between 07:00 and 09:59, off between 17:00 and 20:59. */
export function officeHours(count: number): OfficeHours[] {
  return Array.from({ length: count }, (_, index) => ({
    zone: ZONES[index % ZONES.length] ?? 'UTC', on: time(7 + (index % 3), index % 60), off: time(17 + (index % 4), (index * 7) % 60),
  }));
}

export function ruleOf({ zone, on, off }: OfficeHours): ScheduleRule {
  const days = WEEKDAYS.slice(0, 5);
  return {
    timeZone: zone, triggers: [{ time: on, days, action: 'power_on' }, { time: off, days, action: 'power_off' }],
    skipDates: [], validFrom: null, validUntil: null, gapPolicy: 'gap_end', overlapPolicy: 'first',
  };
}

/** A year later. */
export function yearAfter(after: string): string {
  return new Date(Date.parse(after) + 365 * 86_400_000).toISOString();
}

function time(hour: number, minute: number): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
