import { Big } from 'big.js';
import { readAmounts, type QuotaAmounts } from '../quotas/amounts.ts';
import { step, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import { laterOf, type CalendarDate, type Instant } from '../shared/time.ts';
import { nextPeriod, requireUsableExtension } from './application-dates.ts';
import { localDateOf, spanOf } from './local-days.ts';
import type { ProjectNews } from './project-news.ts';
import { enterBuffer, withDeadline } from './project-time.ts';
import { NO_BUFFER, notNow, orderedWarnDays, peopleOf, projectRoleOf, refuseNoManager, type DeclineReason, type Project, type Room } from './project.ts';
import { afterAttempt, STUCK_AFTER_ATTEMPTS, type ReleaseOutcome, type ReleaseOwnerName } from './release.ts';

/** Approved: it waits for its start, and begins at once where that has come and `room` says that its capacity is free. */
export function approve(project: Project, room: Room, at: Instant): Settled<Project> {
  if (project.state !== 'reviewing') throw notNow(project, 'projects.not-reviewing', `is ${project.state}: its application was decided before.`);
  if (project.endsAt <= at) throw notNow(project, 'projects.ended-before-approval', `was to end on ${project.endDate}, which is over. Apply with later dates.`);
  return step(project, withDeadline({ ...project, state: 'scheduled', approvedAt: at, room }, at), 'projects.approve');
}

export function decline(project: Project, reason: DeclineReason): Settled<Project> {
  if (project.state !== 'reviewing') throw notNow(project, 'projects.not-reviewing', `is ${project.state}: its application was decided before.`);
  return step(project, { ...project, state: 'declined', stateReason: reason, nextDueAt: null }, 'projects.decline');
}

/** Refuses what cannot be extended: ended for good, or deleted, which is taken back first. */
export function refuseUnextendable(project: Project): void {
  const { state, bufferReason } = project;
  if (state === 'buffer' && bufferReason === 'deleted') throw notNow(project, 'projects.deleted', 'was deleted. Take the deletion back first, then extend it.');
  if (state === 'scheduled' || state === 'active' || state === 'buffer') return;
  throw notNow(project, 'projects.not-extendable', state === 'reviewing' ? 'is not approved yet: apply for other dates instead.' : `is ${state}: it cannot be extended any more. Apply for a new project.`);
}

/**
 * Moves the end by `days` calendar days, counted from the old end. In a buffer the project goes on at once; in one that it
 * enters only in this command, with `projects.just-expired`, not before that is written.
 */
export function extend(project: Project, { days, applicationId }: { days: number; applicationId: string | null }, at: Instant): Settled<Project> {
  refuseUnextendable(project);
  requireUsableExtension(days, project.endDate, project.timeZone, at);
  refuseJustExpired(project);
  const { nextStartDate, nextEndDate } = nextPeriod(project.endDate, days);
  const longer: Project = {
    ...project,
    endDate: nextEndDate,
    endsAt: spanOf({ startDate: project.startDate, endDate: nextEndDate }, project.timeZone).endsAt,
    periods: [...project.periods, { startDate: nextStartDate, endDate: nextEndDate, applicationId }],
    ...(project.pendingExtensionId === applicationId && NOTHING_PENDING),
  };
  return step(project, withDeadline(project.state === 'buffer' ? outOfBuffer(longer, at) : noticedNow(longer, at), at), 'projects.extend');
}

/** An application for an extension under review, and when it ends undecided. */
export interface PendingExtension {
  applicationId: string;
  expiresAt: Instant;
}

const NOTHING_PENDING = { pendingExtensionId: null, pendingExtensionExpiresAt: null } as const;

/** No command takes a project into a buffer and out of it: nobody would be told, and nothing would show that it had ended. */
function refuseJustExpired(project: Project): void {
  if (!project.news.some(({ kind }) => kind === 'buffer')) return;
  throw notNow(project, 'projects.just-expired', 'has only now come to its end, which is recorded by itself, before anything else, and with its mails. Let that be done, and ask again.');
}

/** A pending application for an extension begins, or with null ceases, to hold the release. */
export function notePending(project: Project, pending: PendingExtension | null, at: Instant): Settled<Project> {
  if (project.pendingExtensionId === (pending?.applicationId ?? null)) return unchanged(project);
  if (pending !== null) refuseUnextendable(project);
  const after: Project =
    pending === null
      ? // What held the release is decided: it is due again.
        { ...project, ...NOTHING_PENDING, releaseHeldUntil: null }
      : { ...project, pendingExtensionId: pending.applicationId, pendingExtensionExpiresAt: pending.expiresAt };
  return step(project, withDeadline(after, at), 'projects.note-pending-extension');
}

/** The quota with so many GPUs more. */
export function withMoreGpu(project: Project, additional: string): QuotaAmounts {
  if (project.state !== 'scheduled' && project.state !== 'active') throw notNow(project, 'projects.no-more-quota', `is ${project.state}: its quota cannot grow now.`);
  const { gpu } = readAmounts({ gpu: additional, cpu: null, ram_gib: null });
  if (new Big(gpu).eq(0)) throw invalidField('quotas.zero', 'gpu', 'is nothing at all; ask for more than zero');
  return { ...project.quota, gpu: new Big(project.quota.gpu).plus(gpu).toFixed() };
}

export function raiseQuota(project: Project, quota: QuotaAmounts): Settled<Project> {
  return step(project, { ...project, quota }, 'projects.raise-quota');
}

export interface ProjectEdit {
  name?: string | undefined;
  description?: string | undefined;
  managers?: readonly string[] | undefined;
  members?: readonly string[] | undefined;
  warnDays?: readonly number[] | undefined;
}

/** Changes what managers may change. The last manager cannot leave; warnings whose day is over are not sent. */
export function edit(project: Project, changes: ProjectEdit, at: Instant): Settled<Project> {
  if (project.state === 'reviewing') throw notNow(project, 'projects.not-editable', 'is not approved yet: revoke its application and apply anew.');
  if (!['scheduled', 'active', 'buffer'].includes(project.state)) throw notNow(project, 'projects.not-editable', `is ${project.state} and cannot be changed any more.`);
  const people = peopleOf({ managers: changes.managers ?? project.managers, members: changes.members ?? project.members });
  refuseNoManager(people);
  const after: Project = {
    ...project,
    ...people,
    name: changes.name ?? project.name,
    description: changes.description ?? project.description,
    warnDays: changes.warnDays === undefined ? project.warnDays : orderedWarnDays(changes.warnDays),
  };
  if (JSON.stringify(after) === JSON.stringify(project)) return unchanged(project);
  const moves = after.warnDays.join() !== project.warnDays.join();
  return step(project, moves ? withDeadline(noticedNow(after, at), at) : after, 'projects.edit');
}

/** Somebody leaves the organization, and the project with it. Where they are its last manager it is refused. */
export function withoutPerson(project: Project, userId: string): Settled<Project> {
  const role = projectRoleOf(project, userId);
  if (role === null) return unchanged(project);
  const managers = project.managers.filter((id) => id !== userId);
  if (managers.length === 0) {
    throw notNow(project, 'projects.last-manager', 'would be left without a manager. Make somebody else its manager first.');
  }
  return step(project, { ...project, managers, members: project.members.filter((id) => id !== userId) }, 'projects.leave');
}

/** Deletes a project: it enters the buffer, from which the deletion can be taken back. */
export function remove(project: Project, at: Instant): Settled<Project> {
  refuseUndeletable(project);
  const deleted = enterBuffer(project, 'deleted', at, null);
  return { ...deleted, entity: withDeadline(deleted.entity, at) };
}

/** Refuses to delete what has not begun to be, or ended: in a buffer it goes by itself. */
export function refuseUndeletable(project: Project): void {
  if (project.state === 'scheduled' || project.state === 'active') return;
  if (project.state === 'reviewing') throw notNow(project, 'projects.not-deletable', 'is not approved yet: revoke its application instead.');
  throw notNow(project, 'projects.not-deletable', project.state === 'buffer' ? `is in its buffer already and is released at ${project.bufferEndsAt}.` : `is ${project.state} already.`);
}

/** Takes a deletion back: the state is then what the dates give; past the end, a full buffer. */
export function restore(project: Project, at: Instant): Settled<Project> {
  const { state, bufferReason } = project;
  if (state === 'buffer' && bufferReason === 'expired') throw notNow(project, 'projects.expired', 'was not deleted: it came to its end. Apply for an extension to go on.');
  if (state === 'releasing' || state === 'released' || state === 'deleted') throw notNow(project, 'projects.release-begun', 'is past its buffer: its release has begun, and nothing can be taken back any more.');
  if (state !== 'buffer') throw notNow(project, 'projects.not-deleted', `is ${state}: there is no deletion to take back.`);
  return step(project, withDeadline(outOfBuffer(project, at), at), 'projects.restore');
}

/** What attempt `number` of an owner came to. One that has been recorded, or that nobody waits for any more, changes nothing. */
export function recordRelease(project: Project, of: { owner: ReleaseOwnerName; bufferNumber: number; number: number }, outcome: ReleaseOutcome, at: Instant): Settled<Project> {
  const before = project.releaseSteps.find(({ owner }) => owner === of.owner);
  if (project.state !== 'releasing' || before?.state !== 'pending' || project.bufferNumber !== of.bufferNumber || of.number !== before.attempts + 1) return unchanged(project);
  const tried = afterAttempt(before, outcome, at);
  // Attempts that only waited count too, so that the one to tell of may be a later one.
  const stuck = outcome.kind === 'failed' && tried.attempts >= STUCK_AFTER_ATTEMPTS && tried.toldAt === null;
  const after = stuck ? { ...tried, toldAt: at } : tried;
  const news: ProjectNews[] = stuck ? [{ kind: 'release-stuck', number: of.bufferNumber, owner: of.owner, error: outcome.error.message }] : [];
  const released = {
    ...project,
    releaseSteps: project.releaseSteps.map((one) => (one.owner === of.owner ? after : one)),
    news: [...project.news, ...news],
  };
  return step(project, withDeadline(released, at), after.state === 'released' ? 'projects.release-part' : 'projects.release-held-up');
}

/** An owner that waits for its next attempt is tried at once: an operator has removed what held it up. */
export function retryRelease(project: Project, at: Instant): Settled<Project> {
  if (project.state !== 'releasing') throw notNow(project, 'projects.not-releasing', `is ${project.state}: there is no release to hurry up.`);
  const releaseSteps = project.releaseSteps.map((one) => (one.state === 'pending' && one.nextAttemptAt !== null && one.nextAttemptAt > at ? { ...one, nextAttemptAt: at } : one));
  if (releaseSteps.every((one, index) => one === project.releaseSteps[index])) return unchanged(project);
  return step(project, withDeadline({ ...project, releaseSteps }, at), 'projects.retry-release');
}

/** Back from a buffer. What the expiry did stays done; only a release that was to be announced in this command is no news any more. */
function outOfBuffer(project: Project, at: Instant): Project {
  const state = project.startedAt === null || at < project.startsAt ? 'scheduled' : 'active';
  const news = project.news.filter(({ kind }) => kind !== 'release-in');
  return { ...project, ...NO_BUFFER, state, noticedUntil: at, news };
}

function noticedNow(project: Project, at: Instant): Project {
  return { ...project, noticedUntil: project.state === 'scheduled' ? project.noticedUntil : laterOf(at, project.noticedUntil) };
}

/** Refuses what is asked of a project whose resources may not be used now. */
export function refuseUnusable(project: Project): void {
  const { state, name, code, bufferEndsAt, startDate } = project;
  if (state === 'active') return;
  if (state === 'buffer') {
    throw new DomainError({
      kind: 'conflict',
      code: 'projects.in-buffer',
      message: `${name} (${code}) has ${project.bufferReason === 'deleted' ? 'been deleted' : 'expired'}: nothing of it can be used. Its resources are released at ${bufferEndsAt}, on ${lastDateOf(project)}; ${project.bufferReason === 'deleted' ? 'take the deletion back' : 'apply for an extension'} before.`,
      details: { state, buffer_ends_at: bufferEndsAt, buffer_ends_on: lastDateOf(project) },
    });
  }
  const why = state === 'scheduled' ? (project.waitingSince === null ? `starts on ${startDate}` : 'waits for capacity that others still hold') : `is ${state}`;
  throw notNow(project, 'projects.not-active', `${why}: nothing of it can be used now.`);
}

/** The local date on which the buffer is over and the release begins. */
export function lastDateOf({ bufferEndsAt, timeZone }: Pick<Project, 'bufferEndsAt' | 'timeZone'>): CalendarDate | null {
  return bufferEndsAt === null ? null : localDateOf(bufferEndsAt, timeZone);
}
