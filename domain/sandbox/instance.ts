import type { CloudProblem } from '../data-sources/cloud-errors.ts';
import type { CannotStopReason, CanStop, DiscoveredInstance } from '../resources/instance.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import { hourlyPriceOf, type SandboxAccount, type SandboxAccountKey } from './account.ts';
import type { SandboxInstanceTypeName, SandboxRegion } from './catalogue.ts';

export const SANDBOX_STATES = ['starting', 'running', 'stopping', 'stopped', 'terminated'] as const;
export type SandboxState = (typeof SANDBOX_STATES)[number];

export const SPOT_KINDS = ['none', 'persistent', 'one-time'] as const;
export type SpotKind = (typeof SPOT_KINDS)[number];

/** Where an instance gets by itself, and when. */
export interface NextState {
  at: Instant;
  state: SandboxState;
  reason: string | null;
  /** What went wrong, when it is where it came from and not where it was sent. */
  failure: CloudProblem | null;
}

/** What a person may set of an instance. */
export interface SandboxInstanceSettings {
  name: string;
  instanceType: SandboxInstanceTypeName;
  tags: Record<string, string>;
  bootSeconds: number;
  stopSeconds: number;
  scalingGroupId: string | null;
  spot: SpotKind;
  stopProtection: boolean;
  instanceStoreRoot: boolean;
  localSsd: boolean;
}

/** An instance of a sandbox as its row has it. What it is at an instant is told by `settle`. */
export interface SandboxInstance extends SandboxAccountKey, SandboxInstanceSettings {
  id: string;
  version: number;
  regionId: SandboxRegion;
  zone: string;
  state: SandboxState;
  stateReason: string | null;
  stateSince: Instant;
  /** Null: it stays as it is, also when that is in the middle of stopping. */
  next: NextState | null;
  /** What the newest start or stop ended with, when it failed. */
  failure: CloudProblem | null;
  /** The newest operation that a call answered with. */
  operation: string | null;
  /** The newest request that led to a start, and to a stop: a repeat of it changes nothing. */
  startKey: string | null;
  stopKey: string | null;
  launchedAt: Instant | null;
  createdAt: Instant;
  /** From its scaling group: how long a stopped member stands before it is replaced. */
  replacedAfterSeconds: number | null;
}

/**
 * The instance at an instant: what it has got to by itself since its row was written. A member of a
 * scaling group that has been stopped for long enough is terminated. Repeating it changes nothing.
 */
export function settle(instance: SandboxInstance, at: Instant): SandboxInstance {
  const { next } = instance;
  const arrived = next === null || next.at > at ? instance : arrive(instance, next);
  const replacedAt = replacementDueAt(arrived);
  if (replacedAt === null || replacedAt > at) return arrived;
  return { ...arrived, state: 'terminated', stateReason: 'Group.Replaced: the scaling group replaced its stopped member', stateSince: replacedAt };
}

function arrive(instance: SandboxInstance, next: NextState): SandboxInstance {
  const arrived: SandboxInstance = {
    ...instance,
    state: next.state,
    stateReason: next.reason,
    stateSince: next.at,
    next: null,
    failure: next.failure,
  };
  if (next.failure === null) return arrived;
  // What failed has had no effect: the same wish may be tried again.
  return instance.state === 'starting' ? { ...arrived, startKey: null } : { ...arrived, stopKey: null };
}

function replacementDueAt(instance: SandboxInstance): Instant | null {
  if (instance.state !== 'stopped' || instance.replacedAfterSeconds === null) return null;
  return plusMilliseconds(instance.stateSince, instance.replacedAfterSeconds * 1000);
}

/** What a scaling group launches in place of a member that it terminated. */
export function replacementOf(terminated: SandboxInstance, id: string): SandboxInstance {
  const at = terminated.stateSince;
  const booted: NextState = { at: plusMilliseconds(at, terminated.bootSeconds * 1000), state: 'running', reason: null, failure: null };
  return {
    ...terminated,
    id,
    version: 1,
    state: 'starting',
    stateReason: null,
    next: booted,
    failure: null,
    operation: null,
    startKey: null,
    stopKey: null,
    launchedAt: at,
    createdAt: at,
  };
}

/** What begins a start or a stop. */
export interface Beginning {
  at: Instant;
  /** Who asks, for the reason of the state. */
  reason: string | null;
  requestKey: string | null;
  operation: string | null;
  /** It will end where it began, with this problem. */
  fails: { problem: CloudProblem; reason: string } | null;
}

/** A stopped instance begins to boot. */
export function beginStart(instance: SandboxInstance, { at, requestKey, operation, fails }: Beginning): SandboxInstance {
  const endsAt = plusMilliseconds(at, instance.bootSeconds * 1000);
  const next: NextState =
    fails === null
      ? { at: endsAt, state: 'running', reason: null, failure: null }
      : { at: endsAt, state: 'stopped', reason: fails.reason, failure: fails.problem };
  const begun: SandboxInstance = {
    ...instance,
    state: 'starting',
    stateReason: null,
    stateSince: at,
    next,
    failure: null,
    operation,
    startKey: requestKey ?? instance.startKey,
    launchedAt: at,
  };
  return settle(begun, at);
}

/** A running instance begins to stop; a `stuck` one never ends. */
export function beginStop(instance: SandboxInstance, { at, reason, requestKey, operation, fails }: Beginning, stuck: boolean): SandboxInstance {
  const endsAt = plusMilliseconds(at, instance.stopSeconds * 1000);
  const arrival: NextState =
    fails === null
      ? { at: endsAt, state: 'stopped', reason, failure: null }
      : { at: endsAt, state: 'running', reason: fails.reason, failure: fails.problem };
  const begun: SandboxInstance = {
    ...instance,
    state: 'stopping',
    stateReason: reason,
    stateSince: at,
    next: stuck ? null : arrival,
    failure: null,
    operation,
    stopKey: requestKey ?? instance.stopKey,
  };
  return settle(begun, at);
}

const WHY_NOT: Record<CannotStopReason, (instance: SandboxInstance) => boolean> = {
  'scaling-group': ({ scalingGroupId }) => scalingGroupId !== null,
  'one-time-spot': ({ spot }) => spot === 'one-time',
  'instance-store-root': ({ instanceStoreRoot }) => instanceStoreRoot,
  'stop-protection': ({ stopProtection }) => stopProtection,
  'local-ssd': ({ localSsd }) => localSsd,
};

const DETAIL: Record<CannotStopReason, (instance: SandboxInstance) => string> = {
  'scaling-group': ({ scalingGroupId }) => `It is a member of scaling group ${scalingGroupId ?? ''}, which would replace it.`,
  'one-time-spot': () => 'It is a one-time spot instance: it can be terminated, not stopped.',
  'instance-store-root': () => 'Its root volume lies in the instance store and would be lost.',
  'stop-protection': () => 'Stop protection is on.',
  'local-ssd': () => 'Stopping empties its local disks.',
};

/** Whether the product may stop it, with the first reason against it. */
export function canStop(instance: SandboxInstance): CanStop {
  for (const [reason, applies] of Object.entries(WHY_NOT) as [CannotStopReason, (typeof WHY_NOT)[CannotStopReason]][]) {
    if (applies(instance)) return { allowed: false, reason, detail: DETAIL[reason](instance) };
  }
  return { allowed: true };
}

/** The instance as a listing shows it. Settle it first. */
export function toDiscovered(instance: SandboxInstance, account: SandboxAccount): DiscoveredInstance {
  return {
    nativeId: instance.id,
    accountId: instance.accountId,
    regionId: instance.regionId,
    zone: instance.zone,
    handle: {},
    name: instance.name,
    instanceType: instance.instanceType,
    state: instance.state,
    stateReason: instance.stateReason,
    tags: instance.tags,
    launchedAt: instance.launchedAt,
    canStop: canStop(instance),
    hourlyPrice: hourlyPriceOf(account, instance.instanceType),
  };
}
