import type { Money } from '../shared/money.ts';
import type { Instant } from '../shared/time.ts';

/** Clouds an instance can live in. `sandbox` is the one inside the product. */
export const CLOUDS = ['aws', 'azure', 'gcp', 'alibaba', 'sandbox'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** As people know them. */
export const CLOUD_NAMES: Readonly<Record<Cloud, string>> = {
  aws: 'AWS',
  azure: 'Azure',
  gcp: 'Google Cloud',
  alibaba: 'Alibaba Cloud',
  sandbox: 'the sandbox',
};

/**
 * What an instance is observed to be, in one vocabulary for all clouds. `stopped` costs no compute:
 * Azure's deallocated, Google's TERMINATED, a StopCharging stop at Alibaba. `stopped-billed` is off
 * but still charged (Azure's stopped, Alibaba's KeepCharging), so it does not satisfy a wish for off.
 */
export const INSTANCE_STATES = [
  'starting',
  'running',
  'stopping',
  'stopped',
  'stopped-billed',
  'suspended',
  'terminated',
  'unknown',
] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** Why an instance must not be stopped and started by us. */
export const CANNOT_STOP_REASONS = [
  /** A member of a scaling group: the group would replace it. */
  'scaling-group',
  /** A one-time spot request, or a cloud's spot that cannot stop. */
  'one-time-spot',
  /** Its root volume lies in the instance store: stopping would lose it, the cloud refuses. */
  'instance-store-root',
  /** Local disks would be emptied: allowed once somebody has chosen so for the instance. */
  'local-ssd',
  /** The cloud's own stop protection is on. */
  'stop-protection',
] as const;
export type CannotStopReason = (typeof CANNOT_STOP_REASONS)[number];

/** With `detail`, stopping is allowed and the person ought to know something, such as that it saves nothing. */
export type CanStop = { allowed: true; detail?: string | undefined } | { allowed: false; reason: CannotStopReason; detail: string };

/** What a provider needs to call for one instance. */
export interface InstanceRef {
  /** The cloud's own id in the form bills use: `i-…`, an ARM id in lower case, a Google global name. */
  nativeId: string;
  regionId: string;
  /**
   * What else the cloud's calls ask for, by the adapter's own keys: a resource group and name, a zone
   * and name. Where the cloud has batches, `kind` says what shares capacity: a size in a place.
   */
  handle: Record<string, string>;
  /** A person chose that local disks may be emptied by stopping this instance. */
  discardLocalSsd: boolean;
}

/** An instance as a listing shows it. */
export interface DiscoveredInstance {
  nativeId: string;
  accountId: string;
  regionId: string;
  /** Null where the cloud places it itself. */
  zone: string | null;
  handle: Record<string, string>;
  name: string;
  /** The cloud's name of its size: `m7i.large`, `Standard_D4s_v5`. */
  instanceType: string;
  state: InstanceState;
  /** What the cloud says led to the state, verbatim. */
  stateReason: string | null;
  /** As the cloud writes them. */
  tags: Record<string, string>;
  launchedAt: Instant | null;
  canStop: CanStop;
  /** List price an hour when the provider tells one, else null. */
  hourlyPrice: Money | null;
}

/** What one look at an instance showed. */
export interface ObservedInstance {
  /** `terminated` also when the cloud no longer knows it. */
  state: InstanceState;
  /** Why it is in this state, as the cloud says, such as `Server.InsufficientInstanceCapacity: …`. */
  stateReason: string | null;
}
