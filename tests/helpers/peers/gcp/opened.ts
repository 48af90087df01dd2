import type { CloudAccount, CloudProvider } from '../../../../domain/data-sources/cloud-ports.ts';
import type { GcpCredentials, GcpServiceAccountKey } from '../../../../domain/data-sources/cloud-credentials.ts';
import type { InstanceRef } from '../../../../domain/resources/instance.ts';
import { nativeIdOf, regionOf } from '../../../../providers/gcp/instances.ts';
import { createGcpProvider } from '../../../../providers/gcp/provider.ts';
import type { GcpSettings } from '../../../../providers/gcp/settings.ts';
import type { InstanceJson, MakeInstanceOptions } from './compute-state.ts';
import { startComputeStandIn, type ComputeStandIn } from './stand-in.ts';

export const PROJECT = 'acme-prod-4711';
export const ZONES = ['europe-west4-a', 'europe-west4-b', 'us-central1-f'] as const;

/** Settings that reach the stand-in, with pages that a few instances fill. */
export function standInSettings(peer: ComputeStandIn, more: Partial<GcpSettings> = {}): GcpSettings {
  return { endpoints: { compute: peer.url, token: peer.tokenUrl }, requestTimeoutMs: 10_000, pageSize: 3, ...more };
}

export function refIn(zone: string, { id, name }: InstanceJson): InstanceRef {
  return { nativeId: nativeIdOf(PROJECT, zone, id), regionId: regionOf(zone), handle: { zone, name }, discardLocalSsd: false };
}

/** A stand-in with one account that may do everything, and the provider that reaches it. */
export interface OpenedStandIn {
  peer: ComputeStandIn;
  provider: CloudProvider;
  key: GcpServiceAccountKey;
  /** Opens the project anew, by other credentials when given. */
  open(credentials?: GcpCredentials): CloudAccount;
  make(options: Omit<MakeInstanceOptions, 'zone'> & { zone?: string }): InstanceRef;
}

export async function openStandIn(settings: Partial<GcpSettings> = {}): Promise<OpenedStandIn> {
  const peer = await startComputeStandIn({ project: PROJECT, zones: ZONES });
  const key = peer.accounts.create('orrery');
  const provider = createGcpProvider(standInSettings(peer, settings));
  return {
    peer,
    provider,
    key,
    open: (credentials = key) =>
      provider.open({ organizationId: 'org_01jd8000000000000000000001', dataSourceId: 'ds_01jd8000000000000000000001', accountId: PROJECT, connection: {}, credentials }),
    make: ({ zone = ZONES[0], ...options }) => refIn(zone, peer.state.make({ zone, ...options })),
  };
}
