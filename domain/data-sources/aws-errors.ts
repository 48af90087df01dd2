import { DomainError } from '../shared/errors.ts';

/** What we were doing when AWS refused: the IAM action and the resource it was asked for. */
export interface AwsCall {
  /** As IAM names it, for example `s3:ListBucket`. */
  action: string;
  /** An ARN, or `*` for actions without one. */
  resource: string;
}

/** What AWS said, reduced to what is safe to keep. */
export interface AwsReply {
  /** AWS's own error code, for example `AccessDenied`. */
  awsCode: string;
  httpStatus?: number | undefined;
  requestId?: string | undefined;
}

/** One constructor per way AWS refuses. Every text names the remedy; none holds a key, a secret or a header. */
export const awsErrors = {
  wrongKey: (call: AwsCall, reply: AwsReply): DomainError =>
    refused('aws.wrong-key', call, reply, 'AWS does not know the access key id. Check that it was copied whole and that the key is active in IAM.'),

  wrongSecret: (call: AwsCall, reply: AwsReply): DomainError =>
    refused('aws.wrong-secret', call, reply, 'AWS knows the access key id, but the secret access key does not belong to it. Copy the secret again or make a new key.'),

  missingPermission: (call: AwsCall, reply: AwsReply): DomainError =>
    refused(
      'aws.missing-permission',
      call,
      reply,
      `The credentials may not perform ${call.action} on ${call.resource}. Allow it in an IAM policy; the data source's :policy endpoint gives one.`,
    ),

  missingBucket: (bucket: string, call: AwsCall, reply: AwsReply): DomainError =>
    refused('aws.missing-bucket', call, reply, `There is no bucket ${bucket}. Check its name, or let the data source create it.`, { bucket }),

  wrongRegion: (bucket: string, region: string | null, call: AwsCall, reply: AwsReply): DomainError =>
    refused(
      'aws.wrong-region',
      call,
      reply,
      region === null
        ? `Bucket ${bucket} lies in another region than the one given. Leave the region out or correct it.`
        : `Bucket ${bucket} lies in ${region}, not in the region given. Leave the region out or set it to ${region}.`,
      { bucket, region },
    ),

  expiredToken: (call: AwsCall, reply: AwsReply): DomainError =>
    refused('aws.expired-token', call, reply, 'The session token has expired. Give fresh temporary credentials, a long-lived key, or a role to assume.'),

  clockSkewed: (call: AwsCall, reply: AwsReply): DomainError =>
    refused('aws.clock-skewed', call, reply, "AWS refuses the request's time stamp. Set the clock of the machine the worker runs on."),

  roleNotAssumable: (roleArn: string, call: AwsCall, reply: AwsReply): DomainError =>
    refused(
      'aws.role-not-assumable',
      call,
      reply,
      `The role ${roleArn} cannot be assumed. Check that it exists, that its trust policy names these credentials, ` +
        'that the external id is the one it asks for, and that they may call sts:AssumeRole on it.',
      { role_arn: roleArn },
    ),

  noCredentials: (call: AwsCall): DomainError =>
    refused(
      'aws.no-credentials',
      call,
      { awsCode: 'CredentialsProviderError' },
      'The worker finds no AWS credentials in its own surroundings. Give it an instance role, a profile or environment variables, or give the data source a key.',
    ),

  exportNameTaken: (name: string, call: AwsCall, reply: AwsReply): DomainError =>
    new DomainError({
      kind: 'conflict',
      code: 'aws.export-name-taken',
      message: `The account already has an export named ${name} with other settings. Adopt it, or choose another name.`,
      details: { ...detailsOf(call, reply), name },
    }),

  exportLimitReached: (call: AwsCall, reply: AwsReply): DomainError =>
    new DomainError({
      kind: 'limit-exceeded',
      code: 'aws.export-limit-reached',
      message: 'The account has as many exports as AWS allows. Delete one there, or adopt an existing one.',
      details: detailsOf(call, reply),
    }),

  bucketNameTaken: (bucket: string, call: AwsCall, reply: AwsReply): DomainError =>
    new DomainError({
      kind: 'conflict',
      code: 'aws.bucket-name-taken',
      message: `Bucket ${bucket} belongs to another AWS account: bucket names are one for the whole world. Choose another name.`,
      details: { ...detailsOf(call, reply), bucket },
    }),

  /** `reason` is AWS's sentence about our input, already stripped of anything that looks like a key or a URL. */
  rejected: (reason: string, call: AwsCall, reply: AwsReply): DomainError =>
    refused('aws.rejected', call, reply, `AWS rejects ${call.action}: ${reason}`),

  throttled: (call: AwsCall, reply: AwsReply, retryAfterSeconds: number | undefined): DomainError =>
    new DomainError({
      kind: 'unavailable',
      code: 'aws.throttled',
      message: `AWS limits how often ${call.action} may be called. It is tried again later.`,
      details: detailsOf(call, reply),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    }),

  /** Nothing answered, or the connection broke. `reason` is the system's code, for example `ECONNREFUSED`. */
  unreachable: (reason: string, call: AwsCall): DomainError =>
    new DomainError({
      kind: 'unavailable',
      code: 'aws.unreachable',
      message: `AWS could not be reached for ${call.action} (${reason}). Check the network and any endpoint override; it is tried again.`,
      details: { action: call.action, resource: call.resource, reason },
    }),

  serverError: (call: AwsCall, reply: AwsReply): DomainError =>
    new DomainError({
      kind: 'unavailable',
      code: 'aws.server-error',
      message: `AWS failed to answer ${call.action} (${reply.awsCode}). It is tried again.`,
      details: detailsOf(call, reply),
    }),

  unexpected: (call: AwsCall, reply: AwsReply): DomainError =>
    new DomainError({
      kind: 'invariant',
      code: 'aws.unexpected',
      message: `AWS answered ${call.action} with ${reply.awsCode}, which is not known here. Report it with the request id.`,
      details: detailsOf(call, reply),
    }),
};

/** Refusals a person can cure by changing what was given. */
function refused(code: string, call: AwsCall, reply: AwsReply, message: string, more: Record<string, unknown> = {}): DomainError {
  return new DomainError({ kind: 'invalid-input', code, message, details: { ...detailsOf(call, reply), ...more } });
}

function detailsOf(call: AwsCall, reply: AwsReply): Record<string, unknown> {
  return {
    action: call.action,
    resource: call.resource,
    aws_code: reply.awsCode,
    ...(reply.httpStatus !== undefined && { http_status: reply.httpStatus }),
    ...(reply.requestId !== undefined && { request_id: reply.requestId }),
  };
}
