import { cloudError, type CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { retryAfterSeconds, safeSentence, unreachableCode } from './wire.ts';

/** What we call and on what. */
export interface AzureCall {
  /** As Azure's roles name it: `Microsoft.Compute/virtualMachines/start/action`. */
  call: string;
  /** A machine's native id, or `subscription <id>`. */
  resource: string;
}

/**
 * Runs one call and rebuilds its failure from Azure's code and sentence, so that nothing the SDK
 * keeps in its errors (the request with its token) leaves the adapter. An aborted call fails with
 * the signal's reason.
 */
export async function callAzure<T>(call: AzureCall, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toDomainError(error, call);
  }
}

/** What the table reads of a refusal or of a failed operation. */
export interface AzureFailure {
  code: string;
  message: string;
  httpStatus: number | undefined;
  requestId: string | undefined;
  retryAfter: string | undefined;
}

/**
 * Azure's codes, of Resource Manager and of Compute, in calls and in operations that fail later.
 * https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
 * https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/error-messages
 */
const TABLE: Record<string, CloudProblem> = {
  InvalidAuthenticationToken: 'bad-credentials',
  InvalidAuthenticationTokenTenant: 'bad-credentials',
  ExpiredAuthenticationToken: 'bad-credentials',
  AuthenticationFailed: 'bad-credentials',
  AuthorizationFailed: 'missing-permission',
  LinkedAuthorizationFailed: 'missing-permission',
  DenyAssignmentAuthorizationFailed: 'missing-permission',
  RequestDisallowedByPolicy: 'missing-permission',
  SubscriptionNotFound: 'not-found',
  InvalidSubscriptionId: 'not-found',
  ResourceNotFound: 'not-found',
  ResourceGroupNotFound: 'not-found',
  NotFound: 'not-found',
  ReadOnlyDisabledSubscription: 'account-disabled',
  SubscriptionDisabled: 'account-disabled',
  SubscriptionStateForbidden: 'account-disabled',
  SubscriptionNotRegistered: 'account-disabled',
  MissingSubscriptionRegistration: 'account-disabled',
  ScopeLocked: 'cannot-stop',
  AllocationFailed: 'no-capacity',
  ZonalAllocationFailed: 'no-capacity',
  OverconstrainedAllocationRequest: 'no-capacity',
  OverconstrainedZonalAllocationRequest: 'no-capacity',
  SkuNotAvailable: 'no-capacity',
  QuotaExceeded: 'quota-exceeded',
  ResourceQuotaExceeded: 'quota-exceeded',
  Conflict: 'wrong-state',
  ConflictingUserInput: 'wrong-state',
  ConflictingConcurrentWriteNotAllowed: 'wrong-state',
  AnotherOperationInProgress: 'wrong-state',
  OperationPreempted: 'wrong-state',
  OperationPreemptedByAnotherOperation: 'wrong-state',
  // Comes with 429, yet it is another operation that stands in the way and not a limit.
  RetryableErrorDueToAnotherOperation: 'wrong-state',
  PropertyChangeNotAllowed: 'wrong-state',
  VmMarkedForDeletion: 'wrong-state',
  ResourceGroupBeingDeleted: 'wrong-state',
  TooManyRequests: 'throttled',
  SubscriptionRequestsThrottled: 'throttled',
  ResourceCollectionRequestsThrottled: 'throttled',
  // The SDK's own: no answer came, or a gateway's page instead of one.
  REQUEST_SEND_ERROR: 'unavailable',
  PARSE_ERROR: 'unavailable',
};

/** Azure's own sentences for these send people elsewhere; ours say what to do here. */
const SENTENCES: Record<string, string> = {
  SubscriptionNotFound: 'Check the id of the subscription, and that it belongs to the directory of the credentials.',
  InvalidAuthenticationTokenTenant: 'The subscription belongs to another directory than the credentials. Give an application of the directory that has it.',
  ScopeLocked: 'A read-only lock is on the machine, its resource group or the subscription. Remove it, or leave the machine as it is.',
};

/** Explains what an SDK threw. A DomainError (of our tokens) passes unchanged. */
export function toDomainError(error: unknown, call: AzureCall): DomainError {
  if (error instanceof DomainError) return error;
  const failure = readFailure(error);
  const unreachable = unreachableCode(error);
  if (failure.httpStatus === undefined && unreachable !== null) {
    return cloudError('azure', 'unavailable', { ...call, cloudCode: unreachable });
  }
  return explain(failure, problemOfRefusal(failure), call);
}

/** Explains an operation that was accepted and then failed or was cancelled. */
export function operationError(failure: { code: string; message: string }, call: AzureCall): DomainError {
  // Faults inside Azure have dozens of codes; what is not known to last may pass.
  const problem = problemByCode(failure) ?? 'unavailable';
  return explain({ ...failure, httpStatus: undefined, requestId: undefined, retryAfter: undefined }, problem, call);
}

function explain(failure: AzureFailure, problem: CloudProblem, call: AzureCall): DomainError {
  const seconds = retryAfterSeconds(failure.retryAfter);
  return cloudError('azure', problem, {
    ...call,
    cloudCode: failure.code,
    cloudMessage: SENTENCES[failure.code] ?? safeSentence(failure.message),
    httpStatus: failure.httpStatus,
    requestId: failure.requestId,
    ...(problem === 'missing-permission' && { permission: namedIn(failure.message) ?? call.call }),
    ...(problem === 'throttled' && seconds !== undefined && { retryAfterSeconds: seconds }),
  });
}

function problemOfRefusal(failure: AzureFailure): CloudProblem {
  const status = failure.httpStatus ?? 0;
  const byCode = problemByCode(failure);
  // Compute throttles under codes that mean something else at other times, such as OperationNotAllowed.
  if (status === 429 && failure.code !== 'RetryableErrorDueToAnotherOperation') return 'throttled';
  if (byCode !== null) return byCode;
  if (status === 401) return 'bad-credentials';
  if (status === 403) return 'missing-permission';
  if (status === 404) return 'not-found';
  if (status === 409 || status === 412) return 'wrong-state';
  if (status >= 500 || status === 408) return 'unavailable';
  return 'rejected';
}

function problemByCode({ code, message }: { code: string; message: string }): CloudProblem | null {
  if (code !== 'OperationNotAllowed' && code !== 'NotSupported') return TABLE[code] ?? null;
  // One code for all that is not allowed: only the sentence tells a quota from a state.
  if (/quota|exceeding approved|cores? limit/i.test(message)) return 'quota-exceeded';
  if (/ephemeral|not supported for/i.test(message)) return 'cannot-stop';
  return code === 'NotSupported' ? 'cannot-stop' : 'wrong-state';
}

function readFailure(error: unknown): AzureFailure {
  if (!(error instanceof Error)) return { code: 'NonError', message: '', httpStatus: undefined, requestId: undefined, retryAfter: undefined };
  const fields = error as Error & {
    code?: unknown;
    statusCode?: unknown;
    response?: { headers?: { get(name: string): string | undefined } };
  };
  const httpStatus = typeof fields.statusCode === 'number' ? fields.statusCode : undefined;
  const headers = fields.response?.headers;
  const fallback = httpStatus === undefined ? error.name : `HTTP ${httpStatus}`;
  return {
    code: typeof fields.code === 'string' && fields.code !== '' ? fields.code : fallback,
    message: error.message,
    httpStatus,
    requestId: headers?.get('x-ms-request-id'),
    retryAfter: headers?.get('retry-after'),
  };
}

/** `… does not have authorization to perform action 'Microsoft.Compute/virtualMachines/start/action' over scope …` */
function namedIn(message: string): string | undefined {
  return /perform (?:the )?action(?:\(s\))? '([^']+)'/.exec(message)?.[1];
}
