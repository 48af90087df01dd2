import { awsErrors, type AwsCall, type AwsReply } from '../../domain/data-sources/aws-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';

/** A call with what is needed to explain its failure. */
export interface AwsCallContext extends AwsCall {
  bucket?: string;
  roleArn?: string;
}

/**
 * Runs one SDK call and rebuilds its failure from AWS's code and our own text, so that nothing the
 * SDK keeps in its errors (request headers, signed URLs, input) leaves the adapter. A call that was
 * aborted fails with the signal's reason instead.
 */
export async function callAws<T>(context: AwsCallContext, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toDomainError(error, context);
  }
}

/** What the tables read of an SDK error. Everything else in it stays behind. */
export interface SdkFailure {
  code: string;
  message: string;
  httpStatus: number | undefined;
  requestId: string | undefined;
  headers: Record<string, string>;
  /** S3 puts the right region into the body of some refusals. */
  region: string | undefined;
}

type Explain = (failure: SdkFailure, context: AwsCallContext, reply: AwsReply) => DomainError;

const wrongRegion: Explain = (failure, context, reply) =>
  awsErrors.wrongRegion(context.bucket ?? context.resource, rightRegionOf(failure), context, reply);

const denied: Explain = (failure, context, reply) => {
  if (context.roleArn !== undefined) return awsErrors.roleNotAssumable(context.roleArn, context, reply);
  return awsErrors.missingPermission(namedIn(failure.message) ?? context, reply);
};

const signature: Explain = (failure, context, reply) =>
  /signature (expired|not yet current)/i.test(failure.message)
    ? awsErrors.clockSkewed(context, reply)
    : awsErrors.wrongSecret(context, reply);

const wrongKey: Explain = (_failure, context, reply) => awsErrors.wrongKey(context, reply);
const expired: Explain = (_failure, context, reply) => awsErrors.expiredToken(context, reply);
const skewed: Explain = (_failure, context, reply) => awsErrors.clockSkewed(context, reply);
const limit: Explain = (_failure, context, reply) => awsErrors.exportLimitReached(context, reply);
const rejected: Explain = (failure, context, reply) => awsErrors.rejected(safeSentence(failure.message), context, reply);
const throttled: Explain = (failure, context, reply) => awsErrors.throttled(context, reply, retryAfterOf(failure));
const serverError: Explain = (_failure, context, reply) => awsErrors.serverError(context, reply);
const missingBucket: Explain = (_failure, context, reply) =>
  awsErrors.missingBucket(context.bucket ?? context.resource, context, reply);
const bucketTaken: Explain = (_failure, context, reply) =>
  awsErrors.bucketNameTaken(context.bucket ?? context.resource, context, reply);
const exportTaken: Explain = (_failure, context, reply) => awsErrors.exportNameTaken(context.resource, context, reply);

/**
 * AWS's error codes, by service family: S3 (XML), STS (query) and the JSON services name the same
 * failure differently. Sources: S3 API "Error responses", STS and IAM "Common errors", and the
 * exception shapes in the clients' models.
 */
const table: Record<string, Explain> = {
  InvalidAccessKeyId: wrongKey,
  InvalidClientTokenId: wrongKey,
  UnrecognizedClientException: wrongKey,
  SignatureDoesNotMatch: signature,
  InvalidSignatureException: signature,
  RequestTimeTooSkewed: skewed,
  RequestExpired: skewed,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  InvalidToken: expired,
  AccessDenied: denied,
  AccessDeniedException: denied,
  AllAccessDisabled: denied,
  UnauthorizedOperation: denied,
  Forbidden: denied,
  NoSuchBucket: missingBucket,
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  Redirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  BucketAlreadyExists: bucketTaken,
  DuplicateReportNameException: exportTaken,
  ReportLimitReachedException: limit,
  ServiceQuotaExceededException: limit,
  ValidationException: rejected,
  ValidationError: rejected,
  InvalidBucketName: rejected,
  MalformedPolicy: rejected,
  Throttling: throttled,
  ThrottlingException: throttled,
  TooManyRequestsException: throttled,
  RequestLimitExceeded: throttled,
  SlowDown: throttled,
  InternalError: serverError,
  InternalFailure: serverError,
  InternalErrorException: serverError,
  InternalServerException: serverError,
  ServiceUnavailable: serverError,
};

/** Codes of the operating system and of the SDK's request handler that mean: nothing came through. */
export const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|TimeoutError|ERR_TLS_.*|CERT_.*|UNABLE_TO_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*)$/;

/** Explains what an SDK threw. A DomainError (of our credential provider) passes unchanged. */
export function toDomainError(error: unknown, context: AwsCallContext): DomainError {
  if (error instanceof DomainError) return error;
  const failure = readFailure(error);
  if (failure.code === 'CredentialsProviderError') return awsErrors.noCredentials(context);
  if (failure.httpStatus === undefined || UNREACHABLE.test(failure.code)) {
    if (UNREACHABLE.test(failure.code)) return awsErrors.unreachable(failure.code, context);
  }
  const reply: AwsReply = { awsCode: failure.code, httpStatus: failure.httpStatus, requestId: failure.requestId };
  const explain = table[failure.code] ?? byStatus(failure, context);
  return explain === undefined ? awsErrors.unexpected(context, reply) : explain(failure, context, reply);
}

/** HEAD answers have no body and so no code, and proxies answer with pages of their own. */
function byStatus(failure: SdkFailure, context: AwsCallContext): Explain | undefined {
  const status = failure.httpStatus ?? 0;
  if (status === 301 || status === 307) return wrongRegion;
  if (status === 400 && rightRegionOf(failure) !== null && context.bucket !== undefined) return wrongRegion;
  if (status === 403) return denied;
  if (status === 404 && context.bucket !== undefined) return missingBucket;
  if (status === 429) return throttled;
  return status >= 500 ? serverError : undefined;
}

export function readFailure(error: unknown): SdkFailure {
  if (!(error instanceof Error)) return { ...NOTHING, code: 'NonError' };
  const fields = error as Error & {
    code?: unknown;
    Code?: unknown;
    Region?: unknown;
    $metadata?: { httpStatusCode?: number; requestId?: string };
    $response?: { headers?: Record<string, string> };
  };
  const isSystem = typeof fields.code === 'string' && UNREACHABLE.test(fields.code);
  const named = fields.name === 'Error' || fields.name === 'Unknown' ? fields.Code : fields.name;
  return {
    code: isSystem ? String(fields.code) : typeof named === 'string' ? named : error.name,
    message: error.message,
    httpStatus: isSystem ? undefined : fields.$metadata?.httpStatusCode,
    requestId: fields.$metadata?.requestId,
    headers: fields.$response?.headers ?? {},
    region: typeof fields.Region === 'string' ? fields.Region : undefined,
  };
}

const NOTHING: SdkFailure = { code: '', message: '', httpStatus: undefined, requestId: undefined, headers: {}, region: undefined };

/** S3 tells the bucket's region in a header, in the body, or inside the sentence. */
function rightRegionOf(failure: SdkFailure): string | null {
  return failure.headers['x-amz-bucket-region'] ?? failure.region ?? /expecting '([a-z0-9-]+)'/.exec(failure.message)?.[1] ?? null;
}

/** `… is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::acme" because …` */
export function namedIn(message: string): AwsCall | null {
  const action = /not authorized to perform:?\s+([a-z0-9-]+:[A-Za-z0-9*]+)/.exec(message)?.[1];
  if (action === undefined) return null;
  const resource = /on resource:?\s+"?([^\s"]+)"?/.exec(message)?.[1];
  return { action, resource: resource ?? '*' };
}

export function retryAfterOf(failure: SdkFailure): number | undefined {
  const seconds = Number(failure.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** AWS's own sentence about our input, without anything that could be a key, a signature or a URL. */
export function safeSentence(message: string): string {
  return message
    .replaceAll(/https?:\/\/\S+/g, '(URL)')
    .replaceAll(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '(key)')
    .replaceAll(/[A-Za-z0-9/+=]{40,}/g, '(removed)')
    .slice(0, 300);
}
