import { cancellationSignal, activityInfo, heartbeat } from '@temporalio/activity';
import { DomainError, toErrorRecord } from '../../domain/shared/errors.ts';
import { isRetryable } from '../../domain/shared/error-kinds.ts';
import { system, type Actor } from '../../domain/shared/entity.ts';

const HEARTBEAT_MS = 5_000;

/** Who decides when an activity does. */
export function actingActivity(name: string): Actor {
  return system(name, activityInfo().workflowExecution?.workflowId);
}

/** Whether another attempt of this activity could end otherwise. */
export function worthAnotherAttempt(error: unknown): boolean {
  const { attempt, retryPolicy } = activityInfo();
  const most = retryPolicy?.maximumAttempts ?? 0;
  if (most > 0 && attempt >= most) return false;
  // What is not a DomainError came from outside (a lost connection) or is a bug; both deserve the bounded retry.
  return error instanceof DomainError ? isRetryable(error.kind) : true;
}

/** An error as one that another attempt may get past, as long as this is among the first `attempts`; else as it is. */
export function passingFor(attempts: number, error: DomainError): DomainError {
  if (activityInfo().attempt >= attempts) return error;
  return new DomainError({ ...toErrorRecord(error), kind: 'unavailable', cause: error });
}

/** What one attempt of long work is given. */
export interface LongAttempt<Checkpoint> {
  /** What the newest heartbeat of an earlier attempt left, or null. */
  checkpoint: Checkpoint | null;
  /** Aborted when Temporal cancels the activity, the worker shuts down, or `drop` is called. */
  signal: AbortSignal;
  /** Keeps a checkpoint for the next attempt. */
  save(checkpoint: Checkpoint): void;
  /** Ends the attempt: its work is no longer wanted. */
  drop(reason: DomainError): void;
}

/** Runs long work with a heartbeat every five seconds, which also carries the latest checkpoint. */
export async function longAttempt<Checkpoint, T>(work: (attempt: LongAttempt<Checkpoint>) => Promise<T>): Promise<T> {
  let latest: Checkpoint | null = (activityInfo().heartbeatDetails as Checkpoint | undefined) ?? null;
  const dropped = new AbortController();
  const beat = (): void => heartbeat(latest);
  beat();
  const timer = setInterval(beat, HEARTBEAT_MS);
  try {
    return await work({
      checkpoint: latest,
      signal: AbortSignal.any([cancellationSignal(), dropped.signal]),
      save(checkpoint) {
        latest = checkpoint;
        beat();
      },
      drop: (reason) => dropped.abort(reason),
    });
  } catch (error) {
    // Whatever the abort broke, the reason for it is what happened.
    if (dropped.signal.aborted) throw dropped.signal.reason;
    throw error;
  } finally {
    clearInterval(timer);
  }
}
