import { andThen, routineStep, step, unchanged, type Settled } from '../shared/entity.ts';
import { laterOf, plusMilliseconds, type Instant } from '../shared/time.ts';
import { addDays, daysLeft, localDateOf, startOfDay, startOfDayAfter } from './local-days.ts';
import type { ProjectNews } from './project-news.ts';
import type { BufferReason, Project } from './project.ts';
import { newReleaseSteps } from './release.ts';

/** A buffer lasts until so many local days after the later of the planned end and the day it was entered. */
export const BUFFER_DAYS = 14;
/** Days before a release on which managers are told of it. */
export const RELEASE_NOTICE_DAYS: readonly number[] = [7, 3, 1];
/** How many local days after the buffer's end a pending extension holds the release back at most. */
export const MOST_HELD_DAYS = 7;

/** Applies every transition due at or before `at`, oldest first. Repeating it changes nothing. */
export function settleProject(project: Project, at: Instant): Settled<Project> {
  const next = nextStep(project, at);
  if (next === null) return unchanged(project);
  return andThen({ ...next, entity: withDeadline(next.entity, at) }, (after) => settleProject(after, at));
}

/** The project with the instant at which it must be looked at next, as far as its state, dates and parts say. */
export function withDeadline(project: Project, at: Instant): Project {
  const nextDueAt = deadlineOf(project, at);
  return nextDueAt === project.nextDueAt ? project : { ...project, nextDueAt };
}

function deadlineOf(project: Project, at: Instant): Instant | null {
  const { state, startsAt, endsAt, waitingSince, timeZone } = project;
  switch (state) {
    case 'scheduled':
      // Whoever frees capacity wakes it; the look at midnight is for what nobody told of.
      return waitingSince === null ? startsAt : earliest([endsAt, startOfDayAfter(at, 1, timeZone)]);
    case 'active':
      return earliest([endsAt, ...noticesOf(project).map((notice) => notice.at)]);
    case 'buffer':
      return earliest([nextEndOf(project), ...noticesOf(project).map((notice) => notice.at)]);
    case 'releasing':
      return earliest(project.releaseSteps.flatMap(({ nextAttemptAt }) => (nextAttemptAt === null ? [] : [nextAttemptAt])));
    default:
      return null;
  }
}

function earliest(instants: readonly Instant[]): Instant | null {
  return instants.reduce<Instant | null>((first, at) => (first === null || at < first ? at : first), null);
}

function nextStep(project: Project, at: Instant): Settled<Project> | null {
  switch (project.state) {
    case 'scheduled':
      return at < project.startsAt ? null : startOrWait(project, at);
    case 'active':
      return notice(project, at) ?? (at < project.endsAt ? null : enterBuffer(project, 'expired', at, project.endsAt));
    case 'buffer':
      return notice(project, at) ?? (at < (project.bufferEndsAt as Instant) ? null : releaseOrHold(project, at));
    case 'releasing':
      return endRelease(project, at);
    default:
      return null;
  }
}

/** Starts a project whose capacity is free. One that waits until its end enters the buffer like any other. */
function startOrWait(project: Project, at: Instant): Settled<Project> | null {
  const { room, startsAt, endsAt, waitingSince, approvedAt } = project;
  if (room === null) throw new Error(`${project.id} is to start, and nobody asked whether its capacity is free`);
  if (room.fits) {
    // What was due before its start, or before it was approved, is not sent any more.
    const noticedUntil = plusMilliseconds(waitingSince === null ? laterOf(startsAt, approvedAt) : at, -1);
    return step(project, { ...project, state: 'active', startedAt: at, noticedUntil, waitingSince: null, waitingFor: [] }, 'projects.start', startsAt);
  }
  if (at >= endsAt) return enterBuffer(project, 'expired', at, endsAt);
  const waiting = { ...project, waitingSince: waitingSince ?? at, waitingFor: room.heldBy };
  if (waitingSince === null) {
    const news: ProjectNews = { kind: 'waiting', startDate: project.startDate };
    return step(project, { ...waiting, news: [...project.news, news] }, 'projects.wait-for-capacity', startsAt);
  }
  const again = project.nextDueAt !== null && project.nextDueAt <= at;
  return again || room.heldBy.join() !== project.waitingFor.join() ? routineStep(project, waiting, 'projects.look-for-capacity') : null;
}

/** Enters the buffer at `at`. Its end is computed from `at`, so it is never due yet. */
export function enterBuffer(project: Project, reason: BufferReason, at: Instant, dueAt: Instant | null): Settled<Project> {
  const { timeZone, endsAt } = project;
  const from = laterOf(endsAt, startOfDayAfter(at, 0, timeZone));
  const bufferEndsAt = startOfDayAfter(from, BUFFER_DAYS, timeZone);
  const number = project.bufferNumber + 1;
  const news: ProjectNews = { kind: 'buffer', number, reason, endsAt: bufferEndsAt };
  const after: Project = {
    ...project,
    state: 'buffer',
    bufferNumber: number,
    bufferEnteredAt: at,
    bufferReason: reason,
    bufferEndsAt,
    releaseHeldUntil: null,
    noticedUntil: at,
    waitingSince: null,
    waitingFor: [],
    news: [...project.news, news],
  };
  return step(project, after, reason === 'expired' ? 'projects.expire' : 'projects.delete', dueAt);
}

function releaseOrHold(project: Project, at: Instant): Settled<Project> | null {
  const bufferEndsAt = project.bufferEndsAt as Instant;
  const heldUntil = heldUntilOf(project, bufferEndsAt);
  if (at < heldUntil) {
    if (project.releaseHeldUntil !== null) return null;
    const news: ProjectNews = { kind: 'release-held', number: project.bufferNumber, until: heldUntil };
    return step(project, { ...project, releaseHeldUntil: heldUntil, news: [...project.news, news] }, 'projects.hold-release', bufferEndsAt);
  }
  return step(project, { ...project, state: 'releasing', releaseHeldUntil: null, releaseSteps: newReleaseSteps(at) }, 'projects.release', heldUntil);
}

/** Until when a pending extension holds the release: as long as its review lasts, and seven local days at most. The buffer's end where none does. */
function heldUntilOf({ pendingExtensionId, pendingExtensionExpiresAt, bufferReason, timeZone }: Project, bufferEndsAt: Instant): Instant {
  // A deletion cannot be extended: nothing that waits for a decision could save it.
  if (pendingExtensionId === null || bufferReason !== 'expired') return bufferEndsAt;
  const longest = startOfDayAfter(bufferEndsAt, MOST_HELD_DAYS, timeZone);
  const undecided = pendingExtensionExpiresAt ?? longest;
  return laterOf(bufferEndsAt, undecided < longest ? undecided : longest);
}

/** All parts have answered: nothing of it is left. */
function endRelease(project: Project, at: Instant): Settled<Project> | null {
  if (project.releaseSteps.some(({ state }) => state === 'pending')) return null;
  const reason = project.bufferReason as BufferReason;
  const news: ProjectNews = { kind: 'released', number: project.bufferNumber, reason };
  const state = reason === 'deleted' ? 'deleted' : 'released';
  return step(project, { ...project, state, releasedAt: at, news: [...project.news, news] }, 'projects.end-release');
}

/** Something managers are told ahead of an end. */
interface Notice {
  days: number;
  at: Instant;
}

/** The end that is next: of its time, or in a buffer its release, which a pending extension may hold. */
function nextEndOf({ state, endsAt, bufferEndsAt, releaseHeldUntil }: Project): Instant {
  return state === 'buffer' ? (releaseHeldUntil ?? (bufferEndsAt as Instant)) : endsAt;
}

/** What managers are still to be told of the end that is next, oldest first. */
function noticesOf(project: Project): Notice[] {
  const { state, timeZone, noticedUntil, warnDays } = project;
  const end = nextEndOf(project);
  // An end in the course of a day, as that of a review is, counts as the end of that day.
  const lastDay = addDays(localDateOf(plusMilliseconds(end, -1), timeZone), 1);
  return (state === 'buffer' ? RELEASE_NOTICE_DAYS : warnDays)
    .map((days) => ({ days, at: startOfDay(addDays(lastDay, -days), timeZone) }))
    .filter((one) => (noticedUntil === null || one.at > noticedUntil) && one.at < end)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

/**
 * The oldest notice that is due. Where several are, because nobody could act meanwhile, only the newest is
 * sent, and none when what they were ahead of has come itself.
 */
function notice(project: Project, at: Instant): Settled<Project> | null {
  const [oldest, next] = noticesOf(project);
  if (oldest === undefined || oldest.at > at) return null;
  const end = nextEndOf(project);
  const noticed = { ...project, noticedUntil: oldest.at };
  const what = project.state === 'buffer' ? 'announce-release' : 'warn';
  if (at >= end || (next !== undefined && next.at <= at)) return step(project, noticed, `projects.${what}-superseded`, oldest.at);
  return step(project, { ...noticed, news: [...project.news, newsOf(project, oldest, at)] }, `projects.${what}`, oldest.at);
}

/** After an outage fewer days are left than the notice was to be ahead. */
function newsOf(project: Project, { days }: Notice, at: Instant): ProjectNews {
  const { state, timeZone, endsAt, endDate, bufferNumber: number, bufferReason } = project;
  if (state !== 'buffer') return { kind: 'warning', days, left: daysLeft(endsAt, at, timeZone), endDate };
  const releaseAt = nextEndOf(project);
  return { kind: 'release-in', days, left: daysLeft(releaseAt, at, timeZone), number, reason: bufferReason as BufferReason, endsAt: releaseAt };
}

/** When the quota of a project is planned to be free: its end, and a full buffer after it. */
export function plannedUntil({ endsAt, timeZone }: Pick<Project, 'endsAt' | 'timeZone'>): Instant {
  return startOfDayAfter(endsAt, BUFFER_DAYS, timeZone);
}

