import type { PolicyDocument, PolicyStatement } from './bucket-policy.ts';
import type { PermissionText } from './cloud-ports.ts';

/**
 * What instances and their power ask for. `sts:GetCallerIdentity` needs no permission; stop
 * protection is told by the refusal of a stop, so `ec2:DescribeInstanceAttribute` is not needed.
 * Tests compare the list with the calls really made.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
const PERMISSIONS: PermissionText['permissions'] = [
  { name: 'ec2:DescribeRegions', purpose: 'discover' },
  { name: 'ec2:DescribeInstances', purpose: 'discover' },
  // Local disks, which a stop empties.
  { name: 'ec2:DescribeInstanceTypes', purpose: 'discover' },
  // Whether a spot instance can be stopped and started again.
  { name: 'ec2:DescribeSpotInstanceRequests', purpose: 'discover' },
  { name: 'ec2:DescribeInstances', purpose: 'observe' },
  { name: 'ec2:StartInstances', purpose: 'start' },
  { name: 'ec2:StopInstances', purpose: 'stop' },
];

/**
 * The IAM policy for discovering, starting and stopping the instances of an account. Instances whose
 * volumes are encrypted with a customer-managed key ask for `kms:CreateGrant` on that key besides,
 * when they start; without it EC2 accepts the start and lets the instance fall back to stopped.
 *
 * @param accountId 12 digits; null stands for any account.
 */
export function awsPermissionText(accountId: string | null): PermissionText {
  const document: PolicyDocument = { Version: '2012-10-17', Statement: instanceStatements(accountId) };
  return { format: 'iam-policy', document, permissions: PERMISSIONS };
}

/** The statements alone, to stand beside others. */
export function instanceStatements(accountId: string | null): PolicyStatement[] {
  return [
    // EC2's Describe actions know no resources of their own.
    { Sid: 'ListInstances', Effect: 'Allow', Action: namesFor('discover', 'observe'), Resource: ['*'] },
    { Sid: 'PowerInstances', Effect: 'Allow', Action: namesFor('start', 'stop'), Resource: [`arn:aws:ec2:*:${accountId ?? '*'}:instance/*`] },
  ];
}

function namesFor(...purposes: PermissionText['permissions'][number]['purpose'][]): string[] {
  return [...new Set(PERMISSIONS.filter(({ purpose }) => purposes.includes(purpose)).map(({ name }) => name))];
}
