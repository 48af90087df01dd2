import type ecs from '@alicloud/ecs20140526';
import type { $OpenApiUtil } from '@alicloud/openapi-core';
import type sts from '@alicloud/sts20150401';
import type { AlibabaKeyPair } from '../../domain/data-sources/cloud-credentials.ts';
import type { AlibabaSettings } from './settings.ts';

// The SDK for ECS costs half a second and eighty megabytes: it is loaded by the first call that needs
// it, and types alone are imported above.

/** The packages are CommonJS: their default export is the class one level further in. */
export type EcsClient = InstanceType<typeof ecs.default>;
export type StsClient = InstanceType<typeof sts.default>;

/** Clients for one key. The SDK does not retry by itself: whoever calls an adapter retries. */
export interface AlibabaClients {
  ecs(regionId: string): Promise<EcsClient>;
  sts(regionId: string): Promise<StsClient>;
}

export function createAlibabaClients(settings: AlibabaSettings, key: AlibabaKeyPair): AlibabaClients {
  const ofRegion = new Map<string, EcsClient>();
  return {
    ecs: async (regionId) => {
      const known = ofRegion.get(regionId);
      if (known !== undefined) return known;
      const { default: sdk } = await import('@alicloud/ecs20140526');
      const client = new sdk.default(await configOf(settings, key, regionId, settings.endpoints.ecs));
      ofRegion.set(regionId, client);
      return client;
    },
    sts: async (regionId) => {
      const { default: sdk } = await import('@alicloud/sts20150401');
      return new sdk.default(await configOf(settings, key, regionId, settings.endpoints.sts));
    },
  };
}

async function configOf(
  settings: AlibabaSettings,
  key: AlibabaKeyPair,
  regionId: string,
  endpoint: string | null,
): Promise<$OpenApiUtil.Config> {
  const { $OpenApiUtil } = await import('@alicloud/openapi-core');
  return new $OpenApiUtil.Config({
    accessKeyId: key.access_key_id,
    accessKeySecret: key.access_key_secret,
    regionId,
    connectTimeout: settings.connectTimeoutMs,
    readTimeout: settings.readTimeoutMs,
    // Otherwise the SDK would take it from the environment.
    userAgent: 'orrery',
    ...(endpoint !== null && ownEndpoint(endpoint)),
  });
}

function ownEndpoint(origin: string): { endpoint: string; protocol: string } {
  const { host, protocol } = new URL(origin);
  return { endpoint: host, protocol: protocol.slice(0, -1) };
}
