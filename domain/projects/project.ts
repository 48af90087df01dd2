import type { QuotaAmounts } from '../quotas/amounts.ts';
import type { Actor, EntityRow } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import type { CalendarDate, Instant } from '../shared/time.ts';
import { refuseBadDates, spanOf, type LocalDates } from './local-days.ts';
import type { ProjectNews } from './project-news.ts';
import type { ReleaseStep } from './release.ts';

/**
 * `reviewing`: its application waits for a decision. `scheduled`: approved, before its start, or waiting for
 * capacity that others still hold. `buffer`: ended or deleted; nothing may be used, everything is still there.
 * `releasing`: its resources are being let go of, part by part. `released`, `deleted`: all is gone.
 */
export const PROJECT_STATES = ['reviewing', 'declined', 'scheduled', 'active', 'buffer', 'releasing', 'released', 'deleted'] as const;
export type ProjectState = (typeof PROJECT_STATES)[number];

/** States in which a workflow keeps it. */
export const OPEN_STATES: readonly ProjectState[] = ['scheduled', 'active', 'buffer', 'releasing'];
/** States in which its quota counts. */
export const HOLDING_STATES: readonly ProjectState[] = OPEN_STATES;

export const DECLINE_REASONS = ['declined', 'revoked', 'expired'] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

export const BUFFER_REASONS = ['expired', 'deleted'] as const;
export type BufferReason = (typeof BUFFER_REASONS)[number];

export const PROJECT_ROLES = ['manager', 'member'] as const;
export type ProjectRole = (typeof PROJECT_ROLES)[number];

/** Characters of a description, when it is applied for and ever after. */
export const LONGEST_DESCRIPTION = 5_000;

/** Days before the end on which managers are warned, unless a project says otherwise. */
export const DEFAULT_WARN_DAYS: readonly number[] = [14, 7, 1];
export const MOST_WARNINGS = 10;
export const MOST_WARN_DAYS = 365;

/** The first period, and one for each extension: inclusive local dates. */
export interface ProjectPeriod extends LocalDates {
  /** The application that brought it; null where none did. */
  applicationId: string | null;
}

/** Who is in it. Each once: a manager is no member besides. */
export interface ProjectPeople {
  managers: readonly string[];
  members: readonly string[];
}

/** Whether a project that is to start finds its capacity free; asked under the capacity's lock. */
export interface Room {
  fits: boolean;
  /** Ids of projects that hold what it waits for. */
  heldBy: readonly string[];
}

/** A group's time with a share of the organization's capacity. `project/<id>` waits for its dates. */
export interface Project extends EntityRow, ProjectPeople {
  /** Shown to people, unique in the organization. */
  code: string;
  name: string;
  description: string;
  purposeId: string | null;
  /** IANA name: its dates are days there. */
  timeZone: string;
  /** The first date, and the last one, of all periods. */
  startDate: CalendarDate;
  endDate: CalendarDate;
  /** The same as instants: [start 00:00, day after end 00:00). */
  startsAt: Instant;
  endsAt: Instant;
  /** In the order of their dates. */
  periods: readonly ProjectPeriod[];
  state: ProjectState;
  /** Of a declined one: why. */
  stateReason: DeclineReason | null;
  quota: QuotaAmounts;
  /** Descending. */
  warnDays: readonly number[];
  approvedAt: Instant | null;
  /** When it really began: its start, or later when its capacity was not free. */
  startedAt: Instant | null;
  /** Notices up to here have been sent or passed over. */
  noticedUntil: Instant | null;
  /** Of a scheduled one whose start has come while others held its capacity: since when it waits, and for whom. */
  waitingSince: Instant | null;
  waitingFor: readonly string[];
  /** How many buffers it has entered. */
  bufferNumber: number;
  /** Of the buffer it is in, or that led to its release. */
  bufferEnteredAt: Instant | null;
  bufferReason: BufferReason | null;
  bufferEndsAt: Instant | null;
  /** An application for an extension that waits for a decision. */
  pendingExtensionId: string | null;
  /** When that ends undecided, and holds nothing any more; null where none waits. */
  pendingExtensionExpiresAt: Instant | null;
  /** Until when that holds the release back; null while it does not. */
  releaseHeldUntil: Instant | null;
  /** The parts of its newest release. */
  releaseSteps: readonly ReleaseStep[];
  releasedAt: Instant | null;
  createdBy: Actor;
  createdAt: Instant;
  /** Read under the lock where a start may depend on it; null elsewhere. Never stored. */
  room: Room | null;
  /** Whether bookings of it are left to be ended: read under the lock of one in its buffer; false elsewhere. Never stored. */
  hasOpenBookings: boolean;
  /** What follows from the steps of this decision, in their order: written with the row, never read back. */
  news: readonly ProjectNews[];
}

export type NewProject = Pick<
  Project,
  'id' | 'organizationId' | 'code' | 'name' | 'description' | 'purposeId' | 'timeZone' | 'startDate' | 'endDate' | 'quota' | 'managers' | 'members' | 'createdBy'
> & { applicationId: string | null; warnDays?: readonly number[] | undefined };

/** A project as it is applied for. */
export function newProject(fields: NewProject, at: Instant): Project {
  const { applicationId, warnDays = DEFAULT_WARN_DAYS, ...rest } = fields;
  refuseBadDates(rest);
  const people = peopleOf(rest);
  refuseNoManager(people);
  return {
    ...rest,
    ...people,
    ...spanOf(rest, rest.timeZone),
    version: 1,
    lastAt: at,
    nextDueAt: null,
    periods: [{ startDate: rest.startDate, endDate: rest.endDate, applicationId }],
    state: 'reviewing',
    stateReason: null,
    warnDays: orderedWarnDays(warnDays),
    approvedAt: null,
    startedAt: null,
    noticedUntil: null,
    waitingSince: null,
    waitingFor: [],
    ...NO_BUFFER,
    bufferNumber: 0,
    pendingExtensionId: null,
    pendingExtensionExpiresAt: null,
    releaseSteps: [],
    releasedAt: null,
    createdAt: at,
    room: null,
    hasOpenBookings: false,
    news: [],
  };
}

/** What a project has of a buffer when it is in none. */
export const NO_BUFFER = { bufferEnteredAt: null, bufferReason: null, bufferEndsAt: null, releaseHeldUntil: null } as const;

/** Who is in it, each once and in order; who is named as both is a manager. */
export function peopleOf({ managers, members }: ProjectPeople): ProjectPeople {
  const leading = new Set(managers);
  return { managers: [...leading].toSorted(), members: [...new Set(members)].filter((id) => !leading.has(id)).toSorted() };
}

/** The role of a person in a project; null when they are not in it. */
export function projectRoleOf({ managers, members }: ProjectPeople, userId: string): ProjectRole | null {
  if (managers.includes(userId)) return 'manager';
  return members.includes(userId) ? 'member' : null;
}

export function refuseNoManager({ managers }: ProjectPeople): void {
  if (managers.length === 0) throw invalidField('projects.no-manager', 'managers', 'names nobody: a project needs at least one manager; the last one cannot leave');
}

/** Days of warnings, each once, the earliest warning first. */
export function orderedWarnDays(days: readonly number[]): number[] {
  const each = [...new Set(days)];
  const bad = each.find((one) => !Number.isInteger(one) || one < 1 || one > MOST_WARN_DAYS);
  if (bad !== undefined) throw invalidField('projects.bad-warn-days', 'warn_days', `holds ${bad}; give whole days from 1 to ${MOST_WARN_DAYS} before the end`);
  if (each.length > MOST_WARNINGS) throw invalidField('projects.too-many-warnings', 'warn_days', `names ${each.length} days; give at most ${MOST_WARNINGS}`);
  return each.toSorted((a, b) => b - a);
}

/** The refusal of a decision that the project's state does not allow. Names the state and, in a buffer, its last day. */
export function notNow(project: Project, code: string, problem: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code,
    message: `${project.name} (${project.code}) ${problem}`,
    details: { state: project.state, ...(project.bufferEndsAt !== null && { buffer_ends_at: project.bufferEndsAt }) },
  });
}
