import type { Instant } from '../shared/time.ts';

/** A half-open piece of time with both its ends. */
export interface Window {
  from: Instant;
  to: Instant;
}
