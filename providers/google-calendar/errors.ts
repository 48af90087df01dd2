import { calendarError, type CalendarProblem } from '../../domain/calendar/calendar-errors.ts';
import { problemOf, type CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { chainOf, networkCodeOf } from '../gcp/network.ts';
import { readRefusal, retryAfterSeconds } from '../gcp/refusal.ts';

/** What is called, and whether a 404 or 410 would be about the event that it names. */
export interface CalendarCall {
  /** As the discovery document names it: `calendar.events.insert`. */
  method: string;
  about: 'calendar' | 'event';
}

/**
 * Google's reasons, of `errors[].reason` and `ErrorInfo.reason`.
 * https://developers.google.com/workspace/calendar/api/guides/errors
 */
const REASONS: Record<string, CalendarProblem> = {
  authError: 'bad-credentials',
  UNAUTHENTICATED: 'bad-credentials',
  ACCESS_TOKEN_EXPIRED: 'bad-credentials',
  ACCOUNT_STATE_INVALID: 'bad-credentials',

  forbidden: 'not-allowed',
  forbiddenForNonOrganizer: 'not-organizer',
  requiredAccessLevel: 'not-allowed',
  insufficientPermissions: 'not-allowed',
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'not-allowed',

  accessNotConfigured: 'api-disabled',
  SERVICE_DISABLED: 'api-disabled',
  CONSUMER_SUSPENDED: 'api-disabled',

  rateLimitExceeded: 'throttled',
  userRateLimitExceeded: 'throttled',
  RATE_LIMIT_EXCEEDED: 'throttled',
  quotaExceeded: 'quota-exceeded',
  dailyLimitExceeded: 'quota-exceeded',

  duplicate: 'event-exists',
  deleted: 'event-gone',
  fullSyncRequired: 'sync-token-lost',
  updatedMinTooLongAgo: 'sync-token-lost',

  backendError: 'unavailable',
  internalError: 'unavailable',
};

/**
 * Runs one call of the SDK and rebuilds its failure from Google's reason and safe text: what the SDK keeps in
 * its errors (requests with tokens) does not leave the adapter. A call that was aborted fails with the
 * signal's reason instead.
 */
export async function callCalendar<T>(call: CalendarCall, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toCalendarError(error, call);
  }
}

interface GaxiosLike {
  response?: { status: number; data?: unknown; headers?: Headers };
}

function toCalendarError(thrown: unknown, { method, about }: CalendarCall): DomainError {
  const failures = chainOf(thrown);
  const ours = failures.find((one) => one instanceof DomainError);
  if (ours !== undefined) return ofToken(ours, method);
  const response = failures.map((one) => (one as GaxiosLike).response).find((one) => one !== undefined);
  if (response === undefined) {
    const network = networkCodeOf(failures);
    return calendarError(network === null ? 'rejected' : 'unavailable', { call: method, reason: network ?? failures.at(-1)?.name ?? 'NonError' });
  }
  const { status, data, headers } = response;
  const { reasons, message } = readRefusal(typeof data === 'string' ? data : JSON.stringify(data ?? null));
  const known = reasons.find((reason) => reason in REASONS);
  return calendarError(REASONS[known ?? ''] ?? ofStatus(status, about), {
    call: method,
    reason: known ?? reasons[0] ?? `HTTP ${status}`,
    said: message?.slice(0, LONGEST_MESSAGE),
    httpStatus: status,
    retryAfterSeconds: retryAfterSeconds(headers?.get('retry-after') ?? null, Date.now()),
  });
}

const LONGEST_MESSAGE = 300;

function ofStatus(status: number, about: CalendarCall['about']): CalendarProblem {
  if (status === 401) return 'bad-credentials';
  if (status === 403) return 'not-allowed';
  if (status === 404) return about === 'event' ? 'event-gone' : 'not-shared';
  if (status === 409) return 'event-exists';
  if (status === 410) return about === 'event' ? 'event-gone' : 'sync-token-lost';
  if (status === 429) return 'throttled';
  return status >= 500 || status === 408 ? 'unavailable' : 'rejected';
}

const TOKEN_PROBLEMS: Partial<Record<CloudProblem, CalendarProblem>> = { throttled: 'throttled', unavailable: 'unavailable' };

/** What the token host said, in a calendar's words: its advice is about data sources. */
function ofToken(error: DomainError, method: string): DomainError {
  const problem = problemOf(error);
  if (problem === null) return error;
  const { call, cloud_code: code, http_status: httpStatus } = error.details as { call?: string; cloud_code?: string; http_status?: number };
  return calendarError(TOKEN_PROBLEMS[problem] ?? 'bad-credentials', {
    call: call ?? method,
    reason: code ?? problem,
    httpStatus,
    retryAfterSeconds: error.retryAfterSeconds,
  });
}
