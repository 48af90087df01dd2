import { cloudError, type CloudProblem, type CloudReply } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';

/** What is being done: the action as RAM names it, and whom or what it is done to. */
export interface AlibabaCall {
  call: string;
  resource: string;
}

/**
 * Runs one SDK call and rebuilds its failure from the cloud's code and safe text: what the SDK keeps
 * in its errors (the request, the string that was signed) does not leave the adapter. The SDK takes no
 * AbortSignal, so at `signal` the call is abandoned with the signal's reason; its socket ends by its
 * own time-out.
 */
export async function callAlibaba<T>(call: AlibabaCall, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abandon = (): void => reject(signal.reason);
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await Promise.race([run(), aborted]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toCloudError(error, call);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** What Alibaba Cloud said about one member of a batch, inside an answer that succeeded as a whole. */
export function memberError(call: AlibabaCall, code: string, message: string | undefined): DomainError {
  return errorOf(call, { code, message, httpStatus: undefined, requestId: undefined, retryAfterMs: undefined, authAction: undefined });
}

/** What the table reads of a failure. Everything else in it stays behind. */
interface Failure {
  code: string;
  message: string | undefined;
  httpStatus: number | undefined;
  requestId: string | undefined;
  retryAfterMs: number | undefined;
  authAction: string | undefined;
}

/**
 * Alibaba Cloud's codes. Sources: the error lists of StartInstances, StopInstances and
 * DescribeInstances, and the gateway's common errors at
 * https://api.alibabacloud.com/document/Ecs/2014-05-26/errorCode
 */
const TABLE: Record<string, CloudProblem> = {
  InvalidAccessKeyId: 'bad-credentials',
  'InvalidAccessKeyId.NotFound': 'bad-credentials',
  'InvalidAccessKeyId.Inactive': 'bad-credentials',
  InvalidAccessKeySecret: 'bad-credentials',
  'Forbidden.AccessKey': 'bad-credentials',
  'Forbidden.AccessKeyDisabled': 'bad-credentials',
  NoEnabledAccessKey: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  IncompleteSignature: 'bad-credentials',
  MissingSecurityToken: 'bad-credentials',

  Forbidden: 'missing-permission',
  'Forbidden.RAM': 'missing-permission',
  'Forbidden.SubUser': 'missing-permission',
  'Forbbiden.SubUser': 'missing-permission',
  NoPermission: 'missing-permission',
  'InvalidUser.Unauthorized': 'missing-permission',
  'InvalidParameter.KMSKeyId.KMSUnauthorized': 'missing-permission',

  'Account.Arrearage': 'account-disabled',
  InsufficientBalance: 'account-disabled',
  UserDisable: 'account-disabled',
  'InvalidApi.NotPurchase': 'account-disabled',
  InstanceExpired: 'account-disabled',
  InstanceExpiredOrInArrears: 'account-disabled',

  'InvalidInstanceId.NotFound': 'not-found',
  'InvalidInstanceIds.NotFound': 'not-found',

  IncorrectInstanceStatus: 'wrong-state',
  InstanceNotReady: 'wrong-state',
  InstanceLockedForSecurity: 'wrong-state',
  'InvalidOperation.Conflict': 'wrong-state',
  'OperationDenied.HostRepairing': 'wrong-state',
  'InvalidInstance.NotFoundSystemDisk': 'wrong-state',
  // Its disks are encrypted, and the key is gone or switched off: it starts when the key is back.
  'InvalidOperation.KMSKeyIdNotFound': 'wrong-state',
  'InvalidOperation.KMSServiceNotOpen': 'wrong-state',
  'InvalidParameter.Encrypted.KmsNotEnable': 'wrong-state',
  'InvalidParameter.KMSKeyId.CMKNotEnabled': 'wrong-state',

  'InvalidInstanceId.NotSupport': 'cannot-stop',
  'OperationDenied.SystemInstanceNotSupport': 'cannot-stop',

  'OperationDenied.NoStock': 'no-capacity',
  'Invalid.PrivatePoolOptions.NoStock': 'no-capacity',
  'Zone.NotOnSale': 'no-capacity',
  'InstanceType.Offline': 'no-capacity',
  // The market asks for more than the spot instance's limit: there is none at this price now.
  'OperationDenied.SpotPriceLowerThanPublicPrice': 'no-capacity',

  InternalError: 'unavailable',
  ServiceUnavailable: 'unavailable',
  ServiceUnavailableTemporary: 'unavailable',
  'LimitedOperation.ServiceUnavailable': 'unavailable',
  // A repeat carries a new number and a new time: whoever mends the clock need do no more.
  SignatureNonceUsed: 'unavailable',
  'InvalidTimeStamp.Expired': 'unavailable',

  // Names of ours, where the SDK gives none.
  TimedOut: 'unavailable',
  UnreadableAnswer: 'unavailable',
};

/** Families whose members vary by product and year. */
const FAMILIES: readonly [RegExp, CloudProblem][] = [
  [/^Throttling/, 'throttled'],
  [/^InvalidSecurityToken\./, 'bad-credentials'],
  [/^NoPermission\./, 'missing-permission'],
  [/^InvalidAccountStatus\./, 'account-disabled'],
  [/^Quota(?:Exceed|NotEnough)|QuotaExceeded$/, 'quota-exceeded'],
  [/^IncorrectInstanceStatus\./, 'wrong-state'],
];

/** Codes of the operating system that mean: nothing came through, or it broke off. */
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|ERR_TLS_.*|CERT_.*|UNABLE_TO_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*)$/;

/** Explains what the SDK threw. A DomainError passes unchanged. */
export function toCloudError(error: unknown, call: AlibabaCall): DomainError {
  return error instanceof DomainError ? error : errorOf(call, readFailure(error));
}

function errorOf({ call, resource }: AlibabaCall, failure: Failure): DomainError {
  const problem = problemOf(failure);
  const reply: CloudReply = {
    call,
    resource,
    cloudCode: failure.code,
    cloudMessage: safeSentence(failure.message),
    httpStatus: failure.httpStatus,
    requestId: failure.requestId,
    ...(problem === 'missing-permission' && { permission: failure.authAction ?? call }),
    ...(failure.retryAfterMs !== undefined && { retryAfterSeconds: Math.ceil(failure.retryAfterMs / 1000) }),
  };
  return cloudError('alibaba', problem, reply);
}

function problemOf({ code, httpStatus = 0 }: Failure): CloudProblem {
  const known = TABLE[code] ?? FAMILIES.find(([pattern]) => pattern.test(code))?.[1];
  if (known !== undefined) return known;
  if (UNREACHABLE.test(code) || httpStatus >= 500) return 'unavailable';
  return httpStatus === 429 ? 'throttled' : 'rejected';
}

function readFailure(error: unknown): Failure {
  const nothing = { message: undefined, httpStatus: undefined, requestId: undefined, retryAfterMs: undefined, authAction: undefined };
  if (!(error instanceof Error)) return { ...nothing, code: 'NonError' };
  // A gateway's HTML page, or an answer that broke off in its middle: the SDK tells neither status nor text.
  if (error instanceof SyntaxError) return { ...nothing, code: 'UnreadableAnswer' };
  if (error.name === 'RequestTimeoutError') return { ...nothing, code: 'TimedOut' };
  const said = error as Error & {
    code?: unknown;
    statusCode?: unknown;
    requestId?: unknown;
    retryAfter?: unknown;
    accessDeniedDetail?: unknown;
    data?: { Message?: unknown; message?: unknown; AccessDeniedDetail?: unknown };
  };
  const httpStatus = typeof said.statusCode === 'number' ? said.statusCode : undefined;
  const denied = (said.accessDeniedDetail ?? said.data?.AccessDeniedDetail ?? {}) as { AuthAction?: unknown };
  // The SDK writes what is missing as the word "undefined".
  const code = textOf(said.code);
  return {
    code: code ?? (httpStatus === undefined ? error.name : `HTTP ${httpStatus}`),
    // The SDK's own complaint, such as an answer's member of another type, when it is not the cloud that speaks.
    message: textOf(said.data?.Message ?? said.data?.message) ?? (code === undefined ? error.message : undefined),
    httpStatus,
    requestId: textOf(said.requestId),
    retryAfterMs: typeof said.retryAfter === 'number' && said.retryAfter > 0 ? said.retryAfter : undefined,
    authAction: textOf(denied.AuthAction),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value !== 'undefined' ? value : undefined;
}

/** The cloud's own sentence, without the request that some refusals repeat in full, keys included. */
function safeSentence(message: string | undefined): string | undefined {
  return message
    ?.replace(/\s*server string to sign is:.*$/is, '')
    .replaceAll(/https?:\/\/\S+/g, '(URL)')
    .replaceAll(/\bLTAI[A-Za-z0-9]{8,}\b/g, '(key)')
    .slice(0, 300);
}
