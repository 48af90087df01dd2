import type { Cloud } from '../resources/instance.ts';
import { DomainError, type ErrorKind } from '../shared/errors.ts';

/**
 * Every way a cloud refuses or fails a call, in one vocabulary. The error's code is
 * `<cloud>.<problem>`, for example `azure.throttled`; what the cloud itself said is in the details.
 */
export const CLOUD_PROBLEMS = {
  /** The credentials are wrong, expired or revoked. */
  'bad-credentials': 'invalid-input',
  /** They lack a permission, which `details.permission` names where the cloud tells it or our call implies it. */
  'missing-permission': 'not-allowed',
  /** The subscription, project or account is disabled, or its API is switched off. */
  'account-disabled': 'conflict',
  /** The cloud does not know the thing. */
  'not-found': 'not-found',
  /** The thing is in a state in which this call is refused; it may be another one soon. */
  'wrong-state': 'conflict',
  /** It can never be done to this thing: a one-time spot, an instance-store root, stop protection. */
  'cannot-stop': 'conflict',
  /** No capacity of this size in this place now. */
  'no-capacity': 'limit-exceeded',
  /** A quota or limit of the account. */
  'quota-exceeded': 'limit-exceeded',
  /** Too many calls; the error's retryAfterSeconds says how long, when the cloud does. */
  throttled: 'unavailable',
  /** The cloud failed, did not answer in time, or could not be reached. */
  unavailable: 'unavailable',
  /** The request itself is refused as malformed: a bug, or something the cloud changed. */
  rejected: 'invariant',
} as const satisfies Record<string, ErrorKind>;
export type CloudProblem = keyof typeof CLOUD_PROBLEMS;

export interface CloudReply {
  /** What we called, as the cloud's permissions name it: `ec2:StartInstances`. */
  call: string;
  /** Whom or what it was called on: a native id, or an account. */
  resource: string;
  /** The cloud's own error code, verbatim. */
  cloudCode: string;
  /** The cloud's sentence, without anything secret. */
  cloudMessage?: string | undefined;
  httpStatus?: number | undefined;
  requestId?: string | undefined;
  /** The permission that is missing, in the cloud's own spelling. */
  permission?: string | undefined;
  retryAfterSeconds?: number | undefined;
  cause?: unknown;
}

const REMEDIES: Record<CloudProblem, (reply: CloudReply) => string> = {
  'bad-credentials': () => 'The cloud does not accept the credentials. Check that they were copied whole and are still valid, then reconnect the data source.',
  'missing-permission': ({ call, permission, resource }) =>
    `The credentials may not perform ${permission ?? call} on ${resource}. Grant it; the data source's :policy endpoint gives the exact text.`,
  'account-disabled': ({ resource }) => `${resource} is disabled or its API is switched off. Enable it with the cloud, then try again.`,
  'not-found': ({ resource }) => `The cloud does not know ${resource}. It may have been deleted there; the next discovery will tell.`,
  'wrong-state': ({ call, resource }) => `The cloud refuses ${call} on ${resource} in the state it is in now.`,
  'cannot-stop': ({ call, resource }) => `${call} can never be done to ${resource} as it is set up.`,
  'no-capacity': ({ resource }) => `The cloud has no capacity for ${resource} now. It is tried again; another size or zone may help.`,
  'quota-exceeded': ({ resource }) => `A quota of the account stands in the way of ${resource}. Raise it with the cloud.`,
  throttled: ({ call }) => `The cloud asks for fewer calls of ${call}. It is tried again later.`,
  unavailable: ({ call }) => `The cloud failed or did not answer ${call}. It is tried again.`,
  rejected: ({ call }) => `The cloud refuses ${call} as malformed. This is a fault of this program or a change of the cloud's; please report it.`,
};

/** Rebuilds what a cloud said as an error of ours: a stable code, a remedy, and only what is safe to keep. */
export function cloudError(cloud: Cloud, problem: CloudProblem, reply: CloudReply): DomainError {
  const said = reply.cloudMessage === undefined || reply.cloudMessage === '' ? reply.cloudCode : `${reply.cloudCode}: ${reply.cloudMessage}`;
  return new DomainError({
    kind: CLOUD_PROBLEMS[problem],
    code: `${cloud}.${problem}`,
    message: `${REMEDIES[problem](reply)} (${said})`,
    details: {
      call: reply.call,
      resource: reply.resource,
      cloud_code: reply.cloudCode,
      ...(reply.permission !== undefined && { permission: reply.permission }),
      ...(reply.httpStatus !== undefined && { http_status: reply.httpStatus }),
      ...(reply.requestId !== undefined && { request_id: reply.requestId }),
      ...(reply.retryAfterSeconds !== undefined && { retry_after_seconds: reply.retryAfterSeconds }),
    },
    ...(reply.retryAfterSeconds !== undefined && { retryAfterSeconds: reply.retryAfterSeconds }),
    cause: reply.cause,
  });
}

/** The problem a cloud error stands for, or null when it is no cloud error. */
export function problemOf(error: { code: string }): CloudProblem | null {
  const problem = error.code.slice(error.code.indexOf('.') + 1);
  return problem in CLOUD_PROBLEMS ? (problem as CloudProblem) : null;
}
