import type { ErrorRecord } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';

/**
 * Who has something of a project to let go of when it is released. A domain that gets resources of projects
 * adds its name here, its queue in workflows/projects/messages.ts and itself in activities/projects/owners/.
 */
export const RELEASE_OWNERS = ['bookings', 'quotas'] as const;
export type ReleaseOwnerName = (typeof RELEASE_OWNERS)[number];

/** One owner's part in the release of a project. A row of its own: one that fails holds up no other. */
export interface ReleaseStep {
  owner: ReleaseOwnerName;
  state: 'pending' | 'released';
  /** Attempts that came to an end. */
  attempts: number;
  /** When it is tried next; null once it is released. */
  nextAttemptAt: Instant | null;
  /** Why the newest attempt failed; null when it did not. */
  lastError: ErrorRecord | null;
  /** What it let go of, in all attempts together. */
  released: Released | null;
  /** When the organization's managers were told that it is held up; null while they were not. */
  toldAt: Instant | null;
  endedAt: Instant | null;
}

/** What an owner let go of: how many of what kind, and their ids (the first hundred). */
export interface Released {
  count: number;
  ids: string[];
}

/** Of the ids of all that an owner let go of, in whatever attempt. */
export function releasedOf(ids: readonly string[]): Released {
  return { count: ids.length, ids: ids.slice(0, 100) };
}

/** Which project, and which attempt: owners that call somebody else make their idempotency key of it. */
export interface ReleaseRequest {
  organizationId: string;
  projectId: string;
  /** Which release of the project it is: it grows with each buffer. */
  bufferNumber: number;
  /** `<project id>/release/<owner>/<buffer number>`: the same for each attempt. */
  key: string;
  at: Instant;
}

/** An owner's answer: everything is released, or what is still to come and when to ask again. */
export type ReleaseAnswer = { done: true; released: Released } | { done: false; waitsFor: string; askAgainAt: Instant };

/**
 * What implements the release of one kind of resources. `release` may be repeated: what is gone already is
 * no error. It answers with all that went for this release, as its rows say: an attempt that was killed before its answer
 * was recorded has let go of it all the same. Throws what held it up; the project tries again with back-off for ever.
 */
export interface ReleaseOwner {
  name: ReleaseOwnerName;
  release(request: ReleaseRequest, signal: AbortSignal): Promise<ReleaseAnswer>;
}

const [MINUTE, HOUR] = [60_000, 3_600_000];
/** How long after each failed attempt the next follows; the last one again and again. */
export const RELEASE_RETRY_AFTER_MS: readonly number[] = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR];
/** From so many attempts on the organization's managers are told of one that failed, once. */
export const STUCK_AFTER_ATTEMPTS = 4;

/** The parts of a release that begins at `at`. */
export function newReleaseSteps(at: Instant): ReleaseStep[] {
  return RELEASE_OWNERS.map((owner) => ({ owner, state: 'pending', attempts: 0, nextAttemptAt: at, lastError: null, released: null, toldAt: null, endedAt: null }));
}

/** What attempt of an owner came to. */
export type ReleaseOutcome = { kind: 'released'; released: Released } | { kind: 'waits'; error: ErrorRecord; askAgainAt: Instant } | { kind: 'failed'; error: ErrorRecord };

/** The part after an attempt that ended at `at`. */
export function afterAttempt(step: ReleaseStep, outcome: ReleaseOutcome, at: Instant): ReleaseStep {
  const tried = { ...step, attempts: step.attempts + 1 };
  switch (outcome.kind) {
    case 'released':
      return { ...tried, state: 'released', nextAttemptAt: null, lastError: null, released: outcome.released, endedAt: at };
    case 'waits':
      return { ...tried, lastError: outcome.error, nextAttemptAt: outcome.askAgainAt > at ? outcome.askAgainAt : plusMilliseconds(at, MINUTE) };
    case 'failed': {
      const wait = RELEASE_RETRY_AFTER_MS[Math.min(step.attempts, RELEASE_RETRY_AFTER_MS.length - 1)] as number;
      return { ...tried, lastError: outcome.error, nextAttemptAt: plusMilliseconds(at, wait) };
    }
  }
}
