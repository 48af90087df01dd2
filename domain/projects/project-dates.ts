import type { CalendarDate, Instant } from '../shared/time.ts';
import { daysLeft, localDateOf } from './local-days.ts';
import type { Project, ProjectPeriod } from './project.ts';

/** What happens to a project next by itself, and when: on which local date, and as an instant. */
export interface NextEvent {
  what: 'start' | 'end' | 'release';
  on: CalendarDate;
  at: Instant;
}

type Dated = Pick<Project, 'state' | 'startDate' | 'endDate' | 'startsAt' | 'endsAt' | 'bufferEndsAt' | 'releaseHeldUntil' | 'timeZone'>;

/** Null where nothing comes by itself. An end is named by its last date, which is included. */
export function nextEventOf(project: Dated): NextEvent | null {
  const { state, startDate, endDate, startsAt, endsAt, timeZone } = project;
  if (state === 'scheduled') return { what: 'start', on: startDate, at: startsAt };
  if (state === 'active') return { what: 'end', on: endDate, at: endsAt };
  const release = project.releaseHeldUntil ?? project.bufferEndsAt;
  return state === 'buffer' && release !== null ? { what: 'release', on: localDateOf(release, timeZone), at: release } : null;
}

/** Local days until its end, or in a buffer until its release: 1 on the last one. Null where no end is ahead. */
export function daysLeftOf(project: Dated, at: Instant): number | null {
  if (project.state === 'scheduled' || project.state === 'active') return daysLeft(project.endsAt, at, project.timeZone);
  const next = nextEventOf(project);
  return next === null ? null : daysLeft(next.at, at, project.timeZone);
}

/** The period that follows the current one, when an extension has brought one. */
export function nextPeriodOf({ periods, timeZone }: { periods: readonly ProjectPeriod[]; timeZone: string }, at: Instant): ProjectPeriod | null {
  const today = localDateOf(at, timeZone);
  return periods.slice(1).find(({ startDate }) => startDate > today) ?? null;
}
