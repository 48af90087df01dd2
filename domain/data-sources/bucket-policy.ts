import type { BillDialect } from '../billing/ports.ts';
import { DomainError } from '../shared/errors.ts';

export interface PolicyStatement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: unknown;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: PolicyStatement[];
}

/**
 * What AWS's billing service needs in order to deliver into a bucket. The service tries its rights
 * with an object at the bucket's root, so a grant on the prefix alone is refused.
 * https://docs.aws.amazon.com/cur/latest/userguide/dataexports-s3-bucket.html
 * https://docs.aws.amazon.com/cur/latest/userguide/cur-s3.html
 */
export function deliveryStatements(dialect: BillDialect, bucket: string, accountId: string): PolicyStatement[] {
  const source = { StringEquals: { 'aws:SourceAccount': accountId } };
  if (dialect === 'cur2') {
    return [
      {
        Sid: `OrreryDataExports${accountId}`,
        Effect: 'Allow',
        Principal: { Service: 'bcm-data-exports.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `arn:aws:s3:::${bucket}/*`,
        Condition: { ...source, ArnLike: { 'aws:SourceArn': `arn:aws:bcm-data-exports:us-east-1:${accountId}:export/*` } },
      },
    ];
  }
  const principal = { Service: 'billingreports.amazonaws.com' };
  return [
    {
      Sid: `OrreryReportsCheck${accountId}`,
      Effect: 'Allow',
      Principal: principal,
      Action: ['s3:GetBucketAcl', 's3:GetBucketPolicy'],
      Resource: `arn:aws:s3:::${bucket}`,
      Condition: source,
    },
    {
      Sid: `OrreryReportsDeliver${accountId}`,
      Effect: 'Allow',
      Principal: principal,
      Action: 's3:PutObject',
      Resource: `arn:aws:s3:::${bucket}/*`,
      Condition: source,
    },
  ];
}

/**
 * Adds statements to a bucket's policy. Foreign statements stay as they are; one of ours (same Sid)
 * is replaced. Null when nothing would change.
 *
 * @param current the policy as S3 gives it, null when there is none.
 * @throws DomainError `aws.bucket-policy-unreadable`.
 */
export function withStatements(current: string | null, added: PolicyStatement[]): string | null {
  const document = current === null ? { Version: '2012-10-17', Statement: [] } : parsePolicy(current);
  const existing = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  const sids = new Set(added.map((statement) => statement.Sid));
  const foreign = existing.filter((statement) => statement.Sid === undefined || !sids.has(statement.Sid));
  const merged = [...foreign, ...added];
  const isSame = merged.length === existing.length && added.every((one) => existing.some((other) => sameJson(one, other)));
  return isSame ? null : JSON.stringify({ ...document, Statement: merged });
}

function parsePolicy(text: string): { Version?: string; Statement: PolicyStatement | PolicyStatement[] } {
  try {
    const value = JSON.parse(text) as { Statement?: PolicyStatement | PolicyStatement[] } | null;
    if (value?.Statement !== undefined) return { ...value, Statement: value.Statement };
  } catch {
    // Falls through to the one refusal below.
  }
  throw new DomainError({
    kind: 'invalid-input',
    code: 'aws.bucket-policy-unreadable',
    message: "The bucket's policy is not a policy document, so nothing can be added to it. Correct it in AWS or choose another bucket.",
  });
}

/** Compares by content: S3 may order fields its own way. */
function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, sortedFields) === JSON.stringify(b, sortedFields);
}

function sortedFields(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
