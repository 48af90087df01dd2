import { tagKeysOf, type TagKey } from '../billing/tag-keys.ts';
import type { Cloud } from './instance.ts';

/** What a discovered instance is called where a bill has not named it: type and service as the cloud's bills have them. */
export const INSTANCE_IN_BILLS: Readonly<Record<Cloud, { resourceType: string; serviceName: string }>> = {
  aws: { resourceType: 'ec2:instance', serviceName: 'AmazonEC2' },
  azure: { resourceType: 'compute:virtual-machine', serviceName: 'Virtual Machines' },
  gcp: { resourceType: 'compute:instance', serviceName: 'Compute Engine' },
  alibaba: { resourceType: 'ecs:instance', serviceName: 'Elastic Compute Service' },
  sandbox: { resourceType: 'sandbox:instance', serviceName: 'Sandbox Compute' },
};

/** The resource types that discovery lists today. */
export const DISCOVERED_TYPES = ['instance'] as const;
export type DiscoveredType = (typeof DISCOVERED_TYPES)[number];

/**
 * Tags under the keys that bills use, so that a resource has the same ones from either, and how
 * these keys are written. AWS bills tell the tags of users from its own by `user:` and `aws:`.
 */
export function tagsInBills(cloud: Cloud, tags: Readonly<Record<string, string>>): { tags: Record<string, string>; keys: TagKey[] } {
  const written = Object.keys(tags).sort();
  const sourceKeys = written.map((key) => (cloud === 'aws' && !key.startsWith('aws:') ? `user:${key}` : key));
  const keys = tagKeysOf(sourceKeys);
  const normalised = keys.map(({ normalisedKey }, index): [string, string] => [normalisedKey, tags[written[index] ?? ''] ?? '']);
  return { tags: Object.fromEntries(normalised), keys };
}
