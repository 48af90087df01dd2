import { DomainError, toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';
import { longAttempt, worthAnotherAttempt, type LongAttempt } from './attempt.ts';

/** What an attempt answers that finds its work done, or no longer wanted. */
export const NOTHING_TO_DO = 'nothing to do any more';

const TAKEN_OVER = 'another attempt has taken over';

/** Long work of which only the newest attempt may write: what tells it from others. */
export interface FencedWork<Fence, Checkpoint> {
  /** Takes a new fence; null when the work is not wanted any more. */
  begin(): Promise<Fence | null>;
  perform(attempt: LongAttempt<Checkpoint>, fence: Fence): Promise<string>;
  /** Says of a failure whether another attempt may get past it, by its kind. */
  judge(failure: unknown): unknown;
  /** Records the end of the work. Fails with the code of `fencedOut` when the fence is lost. */
  fail(fence: Fence, reason: ErrorRecord): Promise<void>;
  /** Code of the error that tells an attempt that it lost its fence. */
  fencedOut: string;
  /** For the log. */
  onFailure(failure: unknown): void;
}

/**
 * Runs one attempt of long work under a new fence. Work that is not wanted any more is left alone.
 * What cannot get better by another attempt fails the work with its reason, and the activity ends
 * well: the outcome is on the row. An attempt that lost its fence, or was told to stop, decides
 * nothing about the work. Answers in a few words what came of it, for people who read the history;
 * nothing decides by it.
 */
export async function fencedAttempt<Fence, Checkpoint>(work: FencedWork<Fence, Checkpoint>): Promise<string> {
  return await longAttempt<Checkpoint, string>(async (attempt) => {
    const fence = await work.begin();
    if (fence === null) return NOTHING_TO_DO;
    try {
      return await work.perform(attempt, fence);
    } catch (error) {
      // Whatever an abort broke says nothing about the work: the reason for the abort is what happened.
      const { aborted, reason } = attempt.signal;
      if (aborted && !isCoded(reason, work.fencedOut)) throw reason;
      return await settleFailure(work, fence, aborted ? reason : error);
    }
  });
}

async function settleFailure<Fence, Checkpoint>(work: FencedWork<Fence, Checkpoint>, fence: Fence, failure: unknown): Promise<string> {
  const error = work.judge(failure);
  if (isCoded(error, work.fencedOut)) return TAKEN_OVER;
  work.onFailure(error);
  if (worthAnotherAttempt(error)) throw error;
  const reason = toErrorRecord(error);
  try {
    await work.fail(fence, reason);
  } catch (refusal) {
    if (!isCoded(refusal, work.fencedOut)) throw refusal;
    return TAKEN_OVER;
  }
  return `failed: ${reason.message} (${reason.code})`;
}

function isCoded(error: unknown, code: string): boolean {
  return error instanceof DomainError && error.code === code;
}
