import { listingPrefixes } from '../billing/export-layout.ts';
import type { BillDialect } from '../billing/ports.ts';
import { instanceStatements } from './aws-permissions.ts';
import type { PolicyDocument, PolicyStatement } from './bucket-policy.ts';

/** What the policy is for. Values that are not known yet become a wildcard in their place. */
export type PolicyOptions = BillPolicyOptions & {
  /** Instances of the account are to be discovered, started and stopped as well. */
  instances?: { accountId: string | null };
};

type BillPolicyOptions =
  | { kind: 'linked' }
  | { kind: 'root'; scheme: 'directory' }
  | {
      kind: 'root';
      scheme: 'adopt' | 'create' | 'bucket-only';
      /** Null: both billing APIs are asked. */
      dialect: BillDialect | null;
      accountId: string | null;
      bucket: string | null;
      prefix: string;
      name: string | null;
    };

/**
 * The least-privilege IAM policy for the chosen options: exactly the actions that connecting,
 * importing and, when wanted, instances and their power call, on exactly their resources.
 * `sts:GetCallerIdentity` needs no permission. Tests compare it with the calls really made. The bill
 * of a linked account or a directory needs none: null when nothing else is wanted.
 */
export function leastPrivilegePolicy(options: PolicyOptions): PolicyDocument | null {
  const { instances } = options;
  const statements = [...billStatements(options), ...(instances === undefined ? [] : instanceStatements(instances.accountId))];
  return statements.length === 0 ? null : { Version: '2012-10-17', Statement: statements };
}

function billStatements(options: BillPolicyOptions): PolicyStatement[] {
  if (options.kind === 'linked' || options.scheme === 'directory') return [];
  return [...billingApiStatements(options), ...bucketSetupStatements(options), ...readStatements(options)];
}

type BucketOptions = Extract<BillPolicyOptions, { bucket: string | null }>;

function billingApiStatements(options: BucketOptions): PolicyStatement[] {
  if (options.scheme === 'bucket-only') return [];
  const account = options.accountId ?? '*';
  const statements: PolicyStatement[] = [];
  if (options.dialect !== 'cur') {
    // Listing has no resource of its own.
    statements.push(allow('ListDataExports', ['bcm-data-exports:ListExports'], ['*']));
    statements.push(allow('ReadDataExports', ['bcm-data-exports:GetExport'], [`arn:aws:bcm-data-exports:us-east-1:${account}:export/*`]));
  }
  if (options.dialect !== 'cur2') statements.push(allow('ListReports', ['cur:DescribeReportDefinitions'], ['*']));
  if (options.scheme !== 'create') return statements;
  if (options.dialect === 'cur2') {
    statements.push(
      allow(
        'CreateDataExport',
        ['bcm-data-exports:CreateExport'],
        [
          `arn:aws:bcm-data-exports:us-east-1:${account}:export/*`,
          `arn:aws:bcm-data-exports:us-east-1:${account}:table/COST_AND_USAGE_REPORT`,
        ],
      ),
    );
  }
  // AWS checks this right for CUR 2.0 as well, inside CreateExport.
  statements.push(allow('CreateReport', ['cur:PutReportDefinition'], [`arn:aws:cur:*:${account}:*`]));
  return statements;
}

function bucketSetupStatements(options: BucketOptions): PolicyStatement[] {
  if (options.scheme !== 'create') return [];
  const actions = ['s3:CreateBucket', 's3:GetBucketPolicy', 's3:PutBucketPolicy'];
  return [
    allow('SetUpBucket', actions, [bucketArn(options)]),
    // HEAD of a bucket counts as listing it, without a prefix that could be compared.
    allow('FindBucket', ['s3:ListBucket'], [bucketArn(options)]),
  ];
}

function readStatements(options: BucketOptions): PolicyStatement[] {
  const bucket = bucketArn(options);
  const prefixes = listingPrefixes(options);
  const isWholeBucket = prefixes.includes('');
  const list = allow('ListBillingFiles', ['s3:ListBucket'], [bucket]);
  if (!isWholeBucket) list.Condition = { StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } };
  const objects = prefixes.map((prefix) => `${bucket}/${prefix}*`);
  const read = allow('ReadBillingFiles', ['s3:GetObject'], objects);
  // The right to list the whole bucket is there already when the bucket is set up.
  return options.scheme === 'create' ? [read] : [list, read];
}

function bucketArn({ bucket }: BucketOptions): string {
  return `arn:aws:s3:::${bucket ?? '*'}`;
}

function allow(sid: string, actions: string[], resources: string[]): PolicyStatement {
  return { Sid: sid, Effect: 'Allow', Action: actions, Resource: resources };
}
