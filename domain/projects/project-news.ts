import type { CalendarDate, Instant } from '../shared/time.ts';
import { localDateOf, localMomentOf } from './local-days.ts';
import type { BufferReason, Project } from './project.ts';

/** What people are told of a step of a project. */
export type ProjectNews =
  /** It ends soon: `days` ahead the notice was due, `left` are left when it is written. */
  | { kind: 'warning'; days: number; left: number; endDate: CalendarDate }
  /** Its start has come, but others still hold its capacity. */
  | { kind: 'waiting'; startDate: CalendarDate }
  /** It entered a buffer: nothing of it may be used. */
  | { kind: 'buffer'; number: number; reason: BufferReason; endsAt: Instant }
  /** Its resources go soon; days as of a warning. */
  | { kind: 'release-in'; days: number; left: number; number: number; reason: BufferReason; endsAt: Instant }
  /** A pending extension holds its release. */
  | { kind: 'release-held'; number: number; until: Instant }
  /** An owner does not let go of what it has. */
  | { kind: 'release-stuck'; number: number; owner: string; error: string }
  /** Everything of it is gone: its quota is free. */
  | { kind: 'released'; number: number; reason: BufferReason };

/** A mail about a project. */
export interface ProjectLetter {
  /** The same happening has the same key, so each Message-ID exists once. */
  key: string;
  subject: string;
  text: string;
  /** Who gets it: the project's managers, the organization's, or both. */
  to: 'project' | 'organization' | 'both';
}

/** The mail that tells of it. Dates are the project's local ones. */
export function letterOf(project: Project, news: ProjectNews): ProjectLetter {
  const { id, timeZone } = project;
  const what = `${project.name} (${project.code})`;
  switch (news.kind) {
    case 'warning':
      return letter(`${id}/warning/${news.endDate}/${news.days}`, `${what} ends ${inDays(news.left)}`, [
        `${what} ends after ${news.endDate} (${timeZone}), ${inDays(news.left)}.`,
        'To go on, apply for an extension. After the end nothing of the project can be used; 14 days later all its resources are released.',
      ]);
    case 'waiting':
      return letter(`${id}/waiting/${news.startDate}`, `${what} cannot start yet`, [
        `${what} was to start on ${news.startDate} (${timeZone}). Its capacity is still held by projects that ended late.`,
        'It starts by itself as soon as that capacity is free.',
      ], 'both');
    case 'buffer':
      return news.reason === 'expired'
        ? letter(`${id}/expired/${news.number}`, `${what} has expired`, [
            `${what} came to its end. Nothing of it can be used now, and its bookings have ended.`,
            `Everything is kept until ${dateOf(news.endsAt, timeZone)} (${timeZone}), then all its resources are released for good. An extension that is approved before brings it back at once.`,
          ])
        : letter(`${id}/deleted/${news.number}`, `${what} was deleted`, [
            `${what} was deleted by a manager. Nothing of it can be used now, and its bookings have ended.`,
            `Everything is kept until ${dateOf(news.endsAt, timeZone)} (${timeZone}), then all its resources are released for good. Until then a manager can take the deletion back.`,
          ]);
    case 'release-in':
      return letter(`${id}/release-in/${news.number}/${dateOf(news.endsAt, timeZone)}/${news.days}`, `The resources of ${what} are released ${inDays(news.left)}`, [
        `On ${localMomentOf(news.endsAt, timeZone)} (${timeZone}), ${inDays(news.left)}, all resources of ${what} are released for good.`,
        news.reason === 'expired' ? 'An extension that is approved before brings it back.' : 'Until then a manager can take the deletion back.',
      ]);
    case 'release-held':
      return letter(`${id}/release-held/${news.number}`, `The release of ${what} waits for your decision`, [
        `The buffer of ${what} is over, and its application for an extension has not been decided.`,
        `Its resources are kept until ${localMomentOf(news.until, timeZone)} (${timeZone}). Approved before, the extension brings the project back at once. Declined or revoked, it lets everything be released at once; undecided, everything is released then.`,
      ], 'organization');
    case 'release-stuck':
      return letter(`${id}/release-stuck/${news.number}/${news.owner}`, `The release of ${what} is held up`, [
        `${news.owner} could not be released: ${news.error}`,
        'It is tried again and again; the project shows each attempt.',
      ], 'organization');
    case 'released':
      return letter(`${id}/released`, `${what} has been released`, [`All resources of ${what} have been released. It is kept as ${news.reason === 'deleted' ? 'deleted' : 'released'}, without resources.`]);
  }
}

function letter(key: string, subject: string, paragraphs: string[], to: ProjectLetter['to'] = 'project'): ProjectLetter {
  return { key, subject, text: paragraphs.join('\n\n'), to };
}

function inDays(days: number): string {
  return days === 1 ? 'in 1 day' : `in ${days} days`;
}

function dateOf(at: Instant, timeZone: string): CalendarDate {
  return localDateOf(at, timeZone);
}
