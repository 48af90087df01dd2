import { NAMED_LINE_PREFIX } from './named-lines.ts';

/**
 * Resource types in the form of AWS Resource Explorer, `service:type`, told from the resource id
 * alone, so that a bill gives the same type in every format and however its lines are ordered.
 * Patterns are read in order and in the common subset of JavaScript's and RE2's syntax; `\1`, `\2` refer to
 * groups. Anything else gets `product code` in lower case without `Amazon` or `AWS`.
 */
export const RESOURCE_TYPE_PATTERNS: readonly { pattern: string; type: string }[] = [
  { pattern: '^i-[0-9a-f]+$', type: 'ec2:instance' },
  { pattern: '^vol-[0-9a-f]+$', type: 'ec2:volume' },
  { pattern: '^snap-[0-9a-f]+$', type: 'ec2:snapshot' },
  { pattern: '^eni-[0-9a-f]+$', type: 'ec2:network-interface' },
  { pattern: '^nat-[0-9a-f]+$', type: 'ec2:natgateway' },
  { pattern: '^eipalloc-[0-9a-f]+$', type: 'ec2:elastic-ip' },
  { pattern: '^ami-[0-9a-f]+$', type: 'ec2:image' },
  { pattern: '^vpce-[0-9a-f]+$', type: 'ec2:vpc-endpoint' },
  { pattern: '^tgw-[0-9a-f]+$', type: 'ec2:transit-gateway' },
  { pattern: '^vpn-[0-9a-f]+$', type: 'ec2:vpn-connection' },
  { pattern: '^arn:[^:]*:s3:::[^/]*$', type: 's3:bucket' },
  { pattern: '^arn:[^:]*:sns:[^:]*:[^:]*:[^:/]*$', type: 'sns:topic' },
  { pattern: '^arn:[^:]*:sqs:[^:]*:[^:]*:[^:/]*$', type: 'sqs:queue' },
  { pattern: '^arn:[^:]*:([a-z0-9-]+):[^:]*:[^:]*:/?([A-Za-z-]+)[/:](.|\\n)*$', type: '\\1:\\2' },
  { pattern: '^arn:[^:]*:([a-z0-9-]+):(.|\\n)*$', type: '\\1:resource' },
];

/** For resource ids that say nothing: what the product names by its bare name. */
export const RESOURCE_TYPE_OF_PRODUCT: Readonly<Record<string, string>> = {
  AmazonS3: 's3:bucket',
  AmazonS3GlacierDeepArchive: 's3:bucket',
  AWSLambda: 'lambda:function',
  AmazonDynamoDB: 'dynamodb:table',
  AmazonRDS: 'rds:db',
  AWSQueueService: 'sqs:queue',
};

/** The type of the named lines of what has no id at all; plans and reservations have the type of their ARN. */
export const NAMED_LINE_TYPE = 'named-line';

/** The type of one resource; the reading of whole bills does the same in SQL. */
export function resourceTypeOf(nativeId: string, productCode: string): string {
  if (nativeId.startsWith(NAMED_LINE_PREFIX)) return NAMED_LINE_TYPE;
  for (const { pattern, type } of RESOURCE_TYPE_PATTERNS) {
    const match = new RegExp(pattern).exec(nativeId);
    if (match !== null) return type.replaceAll(/\\(\d)/g, (_, group: string) => match[Number(group)] ?? '');
  }
  return RESOURCE_TYPE_OF_PRODUCT[productCode] ?? productCode.replace(/^(Amazon|AWS)/, '').toLowerCase();
}
