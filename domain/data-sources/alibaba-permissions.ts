import type { PermissionText } from './cloud-ports.ts';

/** A statement of RAM's policy language. */
interface RamStatement {
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
}

/** A policy as the RAM console and `aliyun ram CreatePolicy` take it. */
export interface RamPolicy {
  Version: '1';
  Statement: RamStatement[];
}

/**
 * The least a RAM user needs for instances and power: exactly the actions that the adapter's calls
 * are authorised by. RAM checks the batch calls as `ecs:StartInstances` and `ecs:StopInstances`; the
 * singular actions authorise only the calls for one instance, which are not made. The caller's
 * identity needs no permission. Tests compare it with the calls really made.
 * https://www.alibabacloud.com/help/en/ecs/api-stopinstances (RAM authorization)
 *
 * @param accountId the account that the policy is for; null leaves it open
 */
export function alibabaPermissions(accountId: string | null): PermissionText & { document: RamPolicy } {
  return {
    format: 'ram-policy',
    document: {
      Version: '1',
      Statement: [
        // The list of regions has no resource of its own.
        { Effect: 'Allow', Action: ['ecs:DescribeRegions'], Resource: ['*'] },
        {
          Effect: 'Allow',
          Action: ['ecs:DescribeInstances', 'ecs:StartInstances', 'ecs:StopInstances'],
          Resource: [`acs:ecs:*:${accountId ?? '*'}:instance/*`],
        },
      ],
    },
    permissions: [
      { name: 'ecs:DescribeRegions', purpose: 'connect' },
      { name: 'ecs:DescribeInstances', purpose: 'connect' },
      { name: 'ecs:DescribeRegions', purpose: 'discover' },
      { name: 'ecs:DescribeInstances', purpose: 'discover' },
      { name: 'ecs:StartInstances', purpose: 'start' },
      { name: 'ecs:StopInstances', purpose: 'stop' },
      { name: 'ecs:DescribeInstances', purpose: 'observe' },
    ],
  };
}
