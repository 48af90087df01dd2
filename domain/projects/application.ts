import type { QuotaAmounts } from '../quotas/amounts.ts';
import { andThen, step, system, unchanged, type Actor, type EntityRow, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import type { CalendarDate, Instant } from '../shared/time.ts';

/** A new project; more days for one; more GPUs for one. */
export const APPLICATION_TYPES = ['project', 'period-extension', 'gpu-quota'] as const;
export type ApplicationType = (typeof APPLICATION_TYPES)[number];

/** `revoked`: taken back by the applicant. `expired`: nobody decided in time. */
export const APPLICATION_STATES = ['reviewing', 'approved', 'declined', 'revoked', 'expired'] as const;
export type ApplicationState = (typeof APPLICATION_STATES)[number];

/** As what somebody decided. Platform administrators may act for an organization's managers: then it stands here, and in the ledger. */
export const DECIDER_ROLES = ['manager', 'platform-administrator', 'applicant'] as const;
export type DeciderRole = (typeof DECIDER_ROLES)[number];

/** An approval found no room. */
export interface NoRoom {
  at: Instant;
  /** The first date of the project's zone from which it would have fitted; null where no later start did. */
  firstFitDate: CalendarDate | null;
}

/**
 * A person asks, and a manager of the organization decides. `application/<id>` waits for the instants
 * at which a review is escalated and ends undecided.
 */
export interface Application extends EntityRow {
  type: ApplicationType;
  projectId: string;
  state: ApplicationState;
  applicantUserId: string;
  reason: string;
  /** What the decider said; null while nobody has. */
  remark: string | null;
  /** Inclusive local dates of the project: those asked for, or those that it had when the application was made or approved. */
  startDate: CalendarDate;
  endDate: CalendarDate;
  /** Of an extension: how many days, and the period they add. */
  extensionDays: number | null;
  nextStartDate: CalendarDate | null;
  nextEndDate: CalendarDate | null;
  /** Of a GPU quota: how many more, and the totals before and after. Exact decimal texts. */
  additionalGpus: string | null;
  oldGpus: string | null;
  newGpus: string | null;
  /** Of a project: what it is to have. */
  quota: QuotaAmounts | null;
  /** The newest approval that was refused for want of room, where it was not approved since. */
  noRoom: NoRoom | null;
  /** The manager who is asked first; others may decide too. */
  delegateUserId: string | null;
  escalatesAt: Instant;
  escalatedAt: Instant | null;
  expiresAt: Instant;
  decidedAt: Instant | null;
  decidedBy: Actor | null;
  /** Null while nobody has decided, and where it expired. */
  decidedAs: DeciderRole | null;
  /** The project's release has begun: read under the lock, never stored. */
  projectOver: boolean;
  createdAt: Instant;
}

type Asked = Pick<Application, 'id' | 'organizationId' | 'type' | 'projectId' | 'applicantUserId' | 'reason' | 'startDate' | 'endDate' | 'escalatesAt' | 'expiresAt'>;
type AskedOfType = Pick<Application, 'extensionDays' | 'nextStartDate' | 'nextEndDate' | 'additionalGpus' | 'oldGpus' | 'newGpus' | 'quota'>;

export type NewApplication = Asked & Partial<AskedOfType>;

/** An application as it is made: under review from `at` on. */
export function newApplication(asked: NewApplication, at: Instant): Application {
  const nothingOfType: AskedOfType = { extensionDays: null, nextStartDate: null, nextEndDate: null, additionalGpus: null, oldGpus: null, newGpus: null, quota: null };
  const undecided = { state: 'reviewing' as const, remark: null, noRoom: null, delegateUserId: null, escalatedAt: null, decidedAt: null, decidedBy: null, decidedAs: null, projectOver: false };
  return withDeadline({ ...nothingOfType, ...asked, ...undecided, version: 1, createdAt: at, lastAt: at, nextDueAt: null });
}

/** What an applicant reads whose project was gone first. */
const RELEASED_FIRST = 'The project was released before anybody decided.';

/**
 * Applies every transition due at or before `at`, oldest first: the escalation, then the end. What is about a project
 * whose release has begun ends at once: nothing could come of it. Repeating it changes nothing.
 */
export function settleApplication(application: Application, at: Instant): Settled<Application> {
  const { state, escalatesAt, escalatedAt, expiresAt, projectOver } = application;
  if (state !== 'reviewing') return unchanged(application);
  if (projectOver && at < expiresAt) {
    return step(application, { ...ended(application, 'expired', { by: system('project'), as: null }, at), remark: RELEASED_FIRST }, 'applications.lapse');
  }
  if (escalatedAt === null && at >= escalatesAt) {
    const escalated = step(application, withDeadline({ ...application, escalatedAt: escalatesAt }), 'applications.escalate', escalatesAt);
    return andThen(escalated, (after) => settleApplication(after, at));
  }
  if (at >= expiresAt) return step(application, ended(application, 'expired', { by: system('clock'), as: null }, expiresAt), 'applications.expire', expiresAt);
  return unchanged(application);
}

/** Who decides, and as what. */
export interface Decider {
  by: Actor;
  as: DeciderRole | null;
}

/** What an approval came to, as it was carried out: dates and totals at that instant. */
export type Granted = Partial<Pick<Application, 'startDate' | 'endDate' | 'nextStartDate' | 'nextEndDate' | 'oldGpus' | 'newGpus'>>;

/** Approves what is under review; refused after any decision. */
export function approve(application: Application, { by, as, remark, granted }: Decider & { remark: string; granted: Granted }, at: Instant): Settled<Application> {
  requireReviewing(application);
  return step(application, { ...ended({ ...application, ...granted }, 'approved', { by, as }, at), remark: remark === '' ? null : remark, noRoom: null }, 'applications.approve');
}

/** Declines what is under review, and says why: the applicant reads the remark. */
export function decline(application: Application, { by, as, remark }: Decider & { remark: string }, at: Instant): Settled<Application> {
  requireReviewing(application);
  if (remark === '') throw invalidField('applications.remark-missing', 'remark', 'is missing: say why, the applicant reads it');
  return step(application, { ...ended(application, 'declined', { by, as }, at), remark }, 'applications.decline');
}

/** The applicant takes it back, while nobody has decided. */
export function revoke(application: Application, by: Actor, at: Instant): Settled<Application> {
  requireReviewing(application);
  return step(application, ended(application, 'revoked', { by, as: 'applicant' }, at), 'applications.revoke');
}

/** Hands the review to a manager: they are asked, and others may still decide. Neither escalation nor end moves. */
export function delegate(application: Application, userId: string): Settled<Application> {
  requireReviewing(application);
  if (application.delegateUserId === userId) return unchanged(application);
  return step(application, { ...application, delegateUserId: userId }, 'applications.delegate');
}

/** An approval was refused for want of room. The same date again is no news, nor is anything after a decision. */
export function noteNoRoom(application: Application, firstFitDate: CalendarDate | null, at: Instant): Settled<Application> {
  const { state, noRoom } = application;
  if (state !== 'reviewing' || (noRoom !== null && noRoom.firstFitDate === firstFitDate)) return unchanged(application);
  return step(application, { ...application, noRoom: { at, firstFitDate } }, 'applications.note-no-room');
}

/** Refuses what is decided already, naming how, by whom and when. */
export function requireReviewing(application: Application): void {
  const { id, state, decidedAt, decidedBy } = application;
  if (state === 'reviewing') return;
  throw new DomainError({
    kind: 'conflict',
    code: 'applications.decided',
    message: `Application ${id} ${state === 'expired' ? 'expired' : `was ${state} by ${decidedBy?.name ?? 'nobody'}`} at ${decidedAt ?? application.lastAt}. It is decided once; apply anew.`,
    details: { id, state, decided_at: decidedAt, decided_by: decidedBy?.id ?? null },
  });
}

function ended(application: Application, state: ApplicationState, { by: decidedBy, as: decidedAs }: Decider, decidedAt: Instant): Application {
  return { ...application, state, decidedBy, decidedAs, decidedAt, nextDueAt: null };
}

/** When it must be looked at again. */
function withDeadline(application: Application): Application {
  const { escalatedAt, escalatesAt, expiresAt } = application;
  return { ...application, nextDueAt: escalatedAt === null && escalatesAt < expiresAt ? escalatesAt : expiresAt };
}
