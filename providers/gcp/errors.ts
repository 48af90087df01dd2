import { cloudError, type CloudProblem, type CloudReply } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { chainOf, networkCodeOf } from './network.ts';
import { GoogleRefusal, readRefusal, retryAfterSeconds } from './refusal.ts';

/** What is being done: the permission that the call asks for, which names it too, and what it is done to. */
export interface GcpCall {
  call: string;
  resource: string;
}

/**
 * Runs one SDK call and rebuilds its failure from Google's reason and safe text: what the SDK keeps in
 * its errors (requests with tokens) does not leave the adapter. A call that was aborted fails with the
 * signal's reason instead.
 */
export async function callGcp<T>(call: GcpCall, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toCloudError(error, call);
  }
}

/**
 * Google's reasons: `errors[].reason` and `ErrorInfo.reason` of refused calls, and
 * `error.errors[].code` of operations that ended badly inside HTTP 200. Sources: the Compute API's
 * error catalogue (https://cloud.google.com/compute/docs/errors), its guides to resource
 * availability and API limits, and google/api/error_reason.proto.
 */
const TABLE: Record<string, CloudProblem> = {
  authError: 'bad-credentials',
  UNAUTHENTICATED: 'bad-credentials',
  CREDENTIALS_MISSING: 'bad-credentials',
  ACCESS_TOKEN_EXPIRED: 'bad-credentials',
  ACCESS_TOKEN_TYPE_UNSUPPORTED: 'bad-credentials',
  ACCOUNT_STATE_INVALID: 'bad-credentials',

  IAM_PERMISSION_DENIED: 'missing-permission',
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'missing-permission',
  insufficientPermissions: 'missing-permission',
  SECURITY_POLICY_VIOLATED: 'missing-permission',
  USER_PROJECT_DENIED: 'missing-permission',
  PERMISSIONS_ERROR: 'missing-permission',
  forbidden: 'missing-permission',
  PERMISSION_DENIED: 'missing-permission',

  SERVICE_DISABLED: 'account-disabled',
  accessNotConfigured: 'account-disabled',
  BILLING_DISABLED: 'account-disabled',
  CONSUMER_SUSPENDED: 'account-disabled',

  notFound: 'not-found',
  NOT_FOUND: 'not-found',
  RESOURCE_NOT_FOUND: 'not-found',
  // A project that is unknown or deleted.
  CONSUMER_INVALID: 'not-found',

  resourceNotReady: 'wrong-state',
  RESOURCE_NOT_READY: 'wrong-state',
  resourceInUseByAnotherResource: 'wrong-state',
  RESOURCE_IN_USE_BY_ANOTHER_RESOURCE: 'wrong-state',
  conditionNotMet: 'wrong-state',
  CONDITION_NOT_MET: 'wrong-state',
  // What an operation ends with when the instance was preempted meanwhile.
  UNSUPPORTED_OPERATION: 'wrong-state',

  ZONE_RESOURCE_POOL_EXHAUSTED: 'no-capacity',
  ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS: 'no-capacity',
  REGION_RESOURCE_POOL_EXHAUSTED: 'no-capacity',
  RESOURCE_POOL_EXHAUSTED: 'no-capacity',
  GPU_STOCKOUT: 'no-capacity',
  insufficientCapacity: 'no-capacity',

  QUOTA_EXCEEDED: 'quota-exceeded',
  quotaExceeded: 'quota-exceeded',
  RESOURCE_QUOTA_EXCEEDED: 'quota-exceeded',

  rateLimitExceeded: 'throttled',
  userRateLimitExceeded: 'throttled',
  dailyLimitExceeded: 'throttled',
  RATE_LIMIT_EXCEEDED: 'throttled',
  RESOURCE_OPERATION_RATE_EXCEEDED: 'throttled',
  RESOURCE_EXHAUSTED: 'throttled',

  backendError: 'unavailable',
  internalError: 'unavailable',
  INTERNAL_ERROR: 'unavailable',
  INTERNAL: 'unavailable',
  UNAVAILABLE: 'unavailable',
  DEADLINE_EXCEEDED: 'unavailable',
};

/** Explains what the SDK threw. A DomainError, of our own making further in, passes unchanged. */
export function toCloudError(thrown: unknown, call: GcpCall): DomainError {
  const failures = chainOf(thrown);
  const ours = failures.find((one) => one instanceof DomainError);
  if (ours !== undefined) return ours;
  const refusal = failures.find((one) => one instanceof GoogleRefusal);
  return refusal === undefined ? unanswered(failures, call) : refused(refusal, call);
}

/** The error of an operation that ended badly: Google tells it inside an answer that is 200. */
export function operationError(
  call: GcpCall,
  ended: { code: string | null; message: string | undefined; httpStatus: number | undefined },
): DomainError {
  const code = ended.code ?? 'OperationFailed';
  return explain(problemOf([code], ended.httpStatus ?? 0), call, {
    cloudCode: code,
    cloudMessage: ended.message,
    httpStatus: ended.httpStatus,
  });
}

function refused(refusal: GoogleRefusal, call: GcpCall): DomainError {
  const { reasons, message, permission } = readRefusal(refusal.body);
  const known = reasons.find((reason) => reason in TABLE);
  return explain(problemOfRefusal(reasons, refusal.httpStatus, message ?? '', call), call, {
    cloudCode: known ?? reasons[0] ?? `HTTP ${refusal.httpStatus}`,
    cloudMessage: message,
    httpStatus: refusal.httpStatus,
    permission,
    retryAfterSeconds: retryAfterSeconds(refusal.retryAfter, Date.now()),
  });
}

function problemOfRefusal(reasons: readonly string[], httpStatus: number, message: string, { resource }: GcpCall): CloudProblem {
  if (httpStatus === 400 && /discard-?local-?ssd/i.test(message)) return 'cannot-stop';
  const problem = problemOf(reasons, httpStatus);
  // A project that is deleted or hidden answers for all in it; that does not make an instance gone.
  const isInside = resource.includes('/zones/');
  const tail = resource.split('/').slice(-2).join('/');
  return problem === 'not-found' && isInside && !message.includes(tail) ? 'account-disabled' : problem;
}

/** Nothing came back, or nothing that could be read. */
function unanswered(failures: readonly Error[], call: GcpCall): DomainError {
  const network = networkCodeOf(failures);
  if (network !== null) return explain('unavailable', call, { cloudCode: network });
  // An answer that is no JSON, or something of the SDK's own.
  const name = failures.at(-1)?.name ?? 'NonError';
  return explain(name === 'SyntaxError' ? 'unavailable' : 'rejected', call, { cloudCode: name });
}

function problemOf(reasons: readonly string[], httpStatus: number): CloudProblem {
  const known = reasons.map((reason) => TABLE[reason]).find((problem) => problem !== undefined);
  if (known !== undefined) return known;
  if (httpStatus === 401) return 'bad-credentials';
  if (httpStatus === 403) return 'missing-permission';
  if (httpStatus === 404) return 'not-found';
  if (httpStatus === 409 || httpStatus === 412) return 'wrong-state';
  if (httpStatus === 429) return 'throttled';
  return httpStatus >= 500 ? 'unavailable' : 'rejected';
}

function explain(problem: CloudProblem, { call, resource }: GcpCall, reply: Omit<CloudReply, 'call' | 'resource'>): DomainError {
  const { permission, ...rest } = reply;
  return cloudError('gcp', problem, {
    call,
    resource,
    ...rest,
    cloudMessage: reply.cloudMessage?.slice(0, LONGEST_MESSAGE),
    // Where Google does not name it, the call does: it is named after what it asks for.
    ...(problem === 'missing-permission' && { permission: permission ?? call }),
  });
}

const LONGEST_MESSAGE = 500;
