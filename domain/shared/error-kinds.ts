import type { DomainError, ErrorKind } from './errors.ts';

interface Meaning {
  httpStatus(error: Pick<DomainError, 'code' | 'retryAfterSeconds'>): number;
  /** Whether a Temporal activity that failed this way is worth another attempt. */
  retryable: boolean;
}

/** The one table from error kind to HTTP status and Temporal retryability. It does not compile with a kind missing. */
const meanings: Record<ErrorKind, Meaning> = {
  'invalid-input': { httpStatus: () => 400, retryable: false },
  unauthenticated: { httpStatus: () => 401, retryable: false },
  'not-allowed': { httpStatus: () => 403, retryable: false },
  'not-found': { httpStatus: () => 404, retryable: false },
  conflict: { httpStatus: () => 409, retryable: false },
  // RFC 6585: 428 when the condition is missing, 412 when it does not hold.
  precondition: { httpStatus: (error) => (error.code.endsWith('-required') ? 428 : 412), retryable: false },
  // 429 when waiting helps, 422 when it does not.
  'limit-exceeded': { httpStatus: (error) => (error.retryAfterSeconds === undefined ? 422 : 429), retryable: false },
  unavailable: { httpStatus: () => 503, retryable: true },
  invariant: { httpStatus: () => 500, retryable: false },
};

export function httpStatusOf(error: Pick<DomainError, 'kind' | 'code' | 'retryAfterSeconds'>): number {
  return meanings[error.kind].httpStatus(error);
}

export function isRetryable(kind: ErrorKind): boolean {
  return meanings[kind].retryable;
}
