import { normaliseReportName, tagKeysOf, type TagKey } from '../billing/tag-keys.ts';
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
  const valueOf = new Map(Object.entries(tags).map(([key, value]) => [cloud === 'aws' && !key.startsWith('aws:') ? `user:${key}` : key, value]));
  // A key that is in the normalised form already has the first right to it: it has no other to fall back on.
  const isPlain = (key: string): number => (normaliseReportName(key) === key ? 0 : 1);
  const sourceKeys = [...valueOf.keys()].toSorted((a, b) => isPlain(a) - isPlain(b) || (a < b ? -1 : 1));
  const keys = tagKeysOf(sourceKeys);
  return { tags: Object.fromEntries(keys.map(({ sourceKey, normalisedKey }) => [normalisedKey, valueOf.get(sourceKey) ?? ''])), keys };
}
