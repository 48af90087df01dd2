/**
 * The closed set of error kinds. What a kind means to a caller (HTTP status, whether Temporal
 * retries) is decided in one exhaustive table, `error-kinds.ts`, and nowhere else.
 */
export type ErrorKind =
  | 'invalid-input'
  | 'unauthenticated'
  | 'not-allowed'
  | 'not-found'
  | 'conflict'
  | 'precondition'
  | 'limit-exceeded'
  | 'unavailable'
  | 'invariant';

/** One field of a request that is wrong: where it is, what is wrong with its value, and the remedy. */
export interface FieldProblem {
  /** Path of the field as the caller wrote it, for example `export.bucket`. */
  field: string;
  /** What is wrong and what to do about it, as one sentence. */
  problem: string;
}

export interface DomainErrorOptions {
  kind: ErrorKind;
  /** Stable and machine readable: `<domain>.<what-happened>`, for example `billing.object-changed`. */
  code: string;
  /** One or two sentences: what is wrong with which value, and the remedy. Never holds a secret. */
  message: string;
  fields?: FieldProblem[];
  /** Facts a program may use (ids, limits, line numbers). JSON only, never a secret. */
  details?: Record<string, unknown>;
  /** When the same call may succeed. Turns `limit-exceeded` into 429 and adds Retry-After. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** An expected failure with a stable code. Everything else that is thrown is a bug. */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly fields: FieldProblem[];
  readonly details: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;

  constructor(options: DomainErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.kind = options.kind;
    this.code = options.code;
    this.fields = options.fields ?? [];
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Refuses one field by name. */
export function invalidField(code: string, field: string, problem: string): DomainError {
  return new DomainError({ kind: 'invalid-input', code, message: `${field}: ${problem}`, fields: [{ field, problem }] });
}

export function notFound(what: string, id: string): DomainError {
  return new DomainError({
    kind: 'not-found',
    code: `${what}.not-found`,
    message: `There is no ${what.replaceAll('-', ' ')} ${id} that you may see.`,
    details: { id },
  });
}

/** What a row, a problem document or a workflow failure keeps of an error: JSON, no stack, no secret. */
export interface ErrorRecord {
  code: string;
  kind: ErrorKind;
  message: string;
  fields?: FieldProblem[];
  details?: Record<string, unknown>;
}

export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof DomainError) {
    return {
      code: error.code,
      kind: error.kind,
      message: error.message,
      ...(error.fields.length > 0 && { fields: error.fields }),
      ...(Object.keys(error.details).length > 0 && { details: error.details }),
    };
  }
  return { code: 'internal', kind: 'invariant', message: 'An unexpected error occurred. The log has the details.' };
}
