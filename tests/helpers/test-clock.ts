import { toInstant, type Clock, type Instant } from '../../domain/shared/time.ts';

/** A clock that stands still until the test moves it, so what happens at an instant happens exactly then. */
export interface TestClock extends Clock {
  /** Moves it to a later instant. Time never goes back. */
  set(at: Instant): void;
}

/**
 * A clock for workers in virtual time. It must be ahead of the computer's: workflows begin by the server's
 * clock, and an instant is the later of theirs and this one.
 */
export function testClock(start: Instant): TestClock {
  if (start <= toInstant(Date.now())) throw new Error(`${start} is not ahead of the computer's clock: begin later`);
  let now = toInstant(start);
  return {
    now: () => now,
    set(at) {
      if (at < now) throw new Error(`it is ${now} already: time does not go back to ${at}`);
      now = toInstant(at);
    },
  };
}
