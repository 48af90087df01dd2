import { cloudError, type CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { namedIn, readFailure, retryAfterOf, safeSentence, toDomainError, UNREACHABLE, type SdkFailure } from './sdk-errors.ts';

/** A call as IAM names it, and whom it was made on. */
export interface Ec2Call {
  /** `ec2:StartInstances`. */
  action: string;
  /** A native id, several, or a region. */
  resource: string;
}

/** Runs one SDK call and rebuilds its failure as a cloud error. An aborted call fails with the signal's reason. */
export async function callEc2<T>(call: Ec2Call, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toCloudError(error, call);
  }
}

/**
 * EC2's error codes as far as our calls can meet them, and those of every AWS API.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
const table: Record<string, CloudProblem> = {
  AuthFailure: 'bad-credentials',
  ExpiredToken: 'bad-credentials',
  ExpiredTokenException: 'bad-credentials',
  InvalidAccessKeyId: 'bad-credentials',
  InvalidClientTokenId: 'bad-credentials',
  MissingAuthenticationToken: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  InvalidSignatureException: 'bad-credentials',
  UnrecognizedClientException: 'bad-credentials',

  AccessDenied: 'missing-permission',
  AccessDeniedException: 'missing-permission',
  UnauthorizedOperation: 'missing-permission',

  Blocked: 'account-disabled',
  OptInRequired: 'account-disabled',
  PendingVerification: 'account-disabled',

  'InvalidInstanceID.NotFound': 'not-found',

  IncorrectInstanceState: 'wrong-state',
  IncorrectSpotRequestState: 'wrong-state',
  IncorrectState: 'wrong-state',
  InvalidInstanceState: 'wrong-state',
  InvalidState: 'wrong-state',

  // A one-time spot, an instance-store root; stop protection, or an instance that a service of AWS manages.
  UnsupportedOperation: 'cannot-stop',
  OperationNotPermitted: 'cannot-stop',

  InsufficientCapacity: 'no-capacity',
  InsufficientCapacityOnHost: 'no-capacity',
  InsufficientHostCapacity: 'no-capacity',
  InsufficientInstanceCapacity: 'no-capacity',
  InsufficientReservedInstanceCapacity: 'no-capacity',
  ReservationCapacityExceeded: 'no-capacity',
  SpotMaxPriceTooLow: 'no-capacity',
  UnfulfillableCapacity: 'no-capacity',
  // The zone has constraints on the instance's type.
  Unsupported: 'no-capacity',

  InstanceLimitExceeded: 'quota-exceeded',
  MaxSpotInstanceCountExceeded: 'quota-exceeded',
  ResourceCountExceeded: 'quota-exceeded',
  ResourceLimitExceeded: 'quota-exceeded',
  VcpuLimitExceeded: 'quota-exceeded',

  BandwidthLimitExceeded: 'throttled',
  RequestLimitExceeded: 'throttled',
  RequestThrottled: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',

  InternalError: 'unavailable',
  InternalFailure: 'unavailable',
  ServiceUnavailable: 'unavailable',
  Unavailable: 'unavailable',
  // The clock of this machine, or a request that took long: the credentials are not at fault.
  RequestExpired: 'unavailable',
};

/** What our credential provider throws, in the words of `aws-errors.ts`. */
const ofCredentials: Record<string, CloudProblem> = {
  'aws.missing-permission': 'missing-permission',
  'aws.throttled': 'throttled',
  'aws.unreachable': 'unavailable',
  'aws.server-error': 'unavailable',
  'aws.clock-skewed': 'unavailable',
  'aws.unexpected': 'rejected',
};

/** Explains what an SDK client threw. The permission is AWS's word where it names one, else what our call asks for. */
export function toCloudError(error: unknown, call: Ec2Call): DomainError {
  if (error instanceof DomainError) return fromCredentials(error, call);
  const failure = readFailure(error);
  if (failure.code === 'CredentialsProviderError') return fromCredentials(toDomainError(error, call), call);
  const problem = problemOf(failure);
  return cloudError('aws', problem, {
    call: call.action,
    resource: call.resource,
    cloudCode: failure.code,
    cloudMessage: sentenceOf(failure),
    httpStatus: failure.httpStatus,
    requestId: failure.requestId,
    ...(problem === 'missing-permission' && { permission: namedIn(failure.message)?.action ?? call.action }),
    retryAfterSeconds: problem === 'throttled' ? retryAfterOf(failure) : undefined,
  });
}

function fromCredentials(error: DomainError, call: Ec2Call): DomainError {
  const { action } = error.details;
  return cloudError('aws', ofCredentials[error.code] ?? 'bad-credentials', {
    call: call.action,
    resource: call.resource,
    cloudCode: typeof error.details.aws_code === 'string' ? error.details.aws_code : error.code,
    cloudMessage: error.message,
    ...(error.code === 'aws.missing-permission' && typeof action === 'string' && { permission: action }),
    retryAfterSeconds: error.retryAfterSeconds,
  });
}

function problemOf(failure: SdkFailure): CloudProblem {
  const known = table[failure.code];
  if (known !== undefined) return known;
  if (UNREACHABLE.test(failure.code)) return 'unavailable';
  const status = failure.httpStatus ?? 0;
  if (status === 401) return 'bad-credentials';
  if (status === 403) return 'missing-permission';
  if (status === 429) return 'throttled';
  // A 2xx that failed is an answer that broke off or could not be read: what was asked may have been done.
  return status >= 500 || (status >= 200 && status < 300) ? 'unavailable' : 'rejected';
}

/** EC2 appends what was denied in an encoded form that takes one more permission to read: it helps nobody here. */
function sentenceOf({ message }: SdkFailure): string {
  return safeSentence(message.replace(/\s*Encoded authorization failure message:.*$/s, ''));
}
