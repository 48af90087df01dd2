import { DomainError } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';

/** How long a code may be used, how often it may be tried, and how long until another may be asked for. */
export const CODE_LASTS_MS = 10 * 60_000;
export const CODE_TRIES = 5;
export const CODE_AGAIN_AFTER_MS = 60_000;
/** How many codes one person may ask for in an hour for one project: five tries each are few of a million. */
export const CODES_AN_HOUR = 5;
const HOUR_MS = 3_600_000;

/** What is known of a code beside its hash. */
export interface CodeState {
  triesLeft: number;
  expiresAt: Instant;
  usedAt: Instant | null;
  createdAt: Instant;
  /** When the hour began in which its person has asked for so many codes, this one included. */
  askedSince: Instant;
  asked: number;
}

/** A code made at `at`, in the place of the person's older one. */
export function newCodeState(older: CodeState | null, at: Instant): CodeState {
  const same = older !== null && at < plusMilliseconds(older.askedSince, HOUR_MS);
  const counted = same ? { askedSince: older.askedSince, asked: older.asked + 1 } : { askedSince: at, asked: 1 };
  return { triesLeft: CODE_TRIES, expiresAt: plusMilliseconds(at, CODE_LASTS_MS), usedAt: null, createdAt: at, ...counted };
}

/**
 * Refuses another letter so soon after the last: `projects.code-too-soon`, or after too many within an hour:
 * `projects.too-many-codes`. One that was used is no reason to wait a minute, and counts for the hour.
 */
export function refuseTooSoon(code: CodeState | null, at: Instant): void {
  if (code === null) return;
  const afresh = plusMilliseconds(code.askedSince, HOUR_MS);
  if (code.asked >= CODES_AN_HOUR && at < afresh) {
    throw new DomainError({
      kind: 'limit-exceeded',
      code: 'projects.too-many-codes',
      message: `${code.asked} codes were sent since ${code.askedSince}. Use the newest one, or ask for another one at ${afresh}.`,
      retryAfterSeconds: Math.ceil((Date.parse(afresh) - Date.parse(at)) / 1000),
    });
  }
  if (code.usedAt !== null) return;
  const again = plusMilliseconds(code.createdAt, CODE_AGAIN_AFTER_MS);
  if (at >= again) return;
  throw new DomainError({
    kind: 'limit-exceeded',
    code: 'projects.code-too-soon',
    message: `A code was sent at ${code.createdAt}. Look for it in your mail, or ask for another one at ${again}.`,
    retryAfterSeconds: Math.ceil((Date.parse(again) - Date.parse(at)) / 1000),
  });
}

/** Why a code cannot be used any more, whatever it reads; null when it can be tried. */
export function refusalOf(code: CodeState | null, at: Instant): DomainError | null {
  if (code === null) return refusal('projects.code-missing', 'No code was asked for. Ask for one first: it comes by mail.');
  if (code.usedAt !== null) return refusal('projects.code-used', `The code was used at ${code.usedAt}. Ask for a new one.`);
  if (at >= code.expiresAt) return refusal('projects.code-expired', `The code expired at ${code.expiresAt}. Ask for a new one.`);
  if (code.triesLeft === 0) return refusal('projects.code-exhausted', `The code was tried ${CODE_TRIES} times. Ask for a new one.`);
  return null;
}

/** The answer to a wrong code. */
export function wrongCode(triesLeft: number): DomainError {
  const left = triesLeft === 0 ? 'Ask for a new one' : `${triesLeft} ${triesLeft === 1 ? 'try is' : 'tries are'} left`;
  return new DomainError({
    kind: 'invalid-input',
    code: 'projects.code-wrong',
    message: `code: is not the one that was mailed. ${left}.`,
    fields: [{ field: 'code', problem: `is not the one that was mailed. ${left}.` }],
    details: { tries_left: triesLeft },
  });
}

function refusal(code: string, message: string): DomainError {
  return new DomainError({ kind: 'conflict', code, message });
}
