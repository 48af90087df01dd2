import { invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import type { SandboxAction } from './call.ts';

/** Faults that hit a call as a whole, in the order in which they are looked for. */
export const CALL_FAULTS = ['unavailable', 'bad-credentials', 'permission-denied', 'throttled', 'answer-lost'] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

/** Faults that hit one instance of a start or stop. */
export const INSTANCE_FAULTS = ['no-capacity', 'quota-exceeded', 'operation-fails', 'stuck-stopping'] as const;
export type InstanceFault = (typeof INSTANCE_FAULTS)[number];

export const SANDBOX_FAULT_KINDS = [...CALL_FAULTS, ...INSTANCE_FAULTS] as const;
export type SandboxFaultKind = (typeof SANDBOX_FAULT_KINDS)[number];

/** What a fault is limited to; null for no limit. */
export interface FaultScope {
  action: SandboxAction | null;
  regionId: string | null;
  instanceType: string | null;
  instanceId: string | null;
}

/** Something that goes wrong in a sandbox until it is used up or cleared. */
export interface SandboxFault extends FaultScope {
  id: string;
  kind: SandboxFaultKind;
  /** How often it still strikes; null for ever. */
  remaining: number | null;
  /** Strikes this share of what it meets, 1 to 100. */
  percent: number;
  /** Which ones those are: the same seed strikes the same first, second, … meeting. */
  seed: number;
  /** How often it was met, and how often it struck. */
  met: number;
  struck: number;
  /** What a throttled call is told; null for nothing. */
  retryAfterSeconds: number | null;
  /** What the cloud says about it, in place of its own words. */
  message: string | null;
  createdAt: Instant;
}

/** Which calls a fault can meet. */
const MEETS: Record<InstanceFault, readonly SandboxAction[]> = {
  'no-capacity': ['start'],
  'quota-exceeded': ['start'],
  'operation-fails': ['start', 'stop'],
  'stuck-stopping': ['stop'],
};

/** Refuses a fault that could never strike. */
export function refuseFault({ kind, action }: Pick<SandboxFault, 'kind' | 'action'>): void {
  const meets = kind in MEETS ? MEETS[kind as InstanceFault] : null;
  if (meets === null || action === null || meets.includes(action)) return;
  throw invalidField('sandbox.fault-never-strikes', 'action', `${kind} meets only ${meets.join(' and ')}; leave it out or give one of these`);
}

/** What a call is about, for the scope of a fault. */
export interface Meeting {
  action: SandboxAction;
  regionId: string | null;
  instances: readonly { id: string; instanceType: string | null }[];
}

/** The faults of an account while one call is decided: they strike, and count what they met. */
export class FaultDraws {
  readonly #faults: Map<string, SandboxFault>;
  readonly #changed = new Set<string>();

  constructor(faults: readonly SandboxFault[]) {
    this.#faults = new Map(faults.map((fault) => [fault.id, fault]));
  }

  /** The first fault of this kind that strikes, or null. */
  strike(kind: SandboxFaultKind, meeting: Meeting): SandboxFault | null {
    for (const fault of this.#faults.values()) {
      if (fault.kind !== kind || fault.remaining === 0 || !isAbout(fault, meeting)) continue;
      const strikes = shareOf(fault.seed, fault.met) < fault.percent;
      this.#faults.set(fault.id, {
        ...fault,
        met: fault.met + 1,
        struck: fault.struck + (strikes ? 1 : 0),
        remaining: strikes && fault.remaining !== null ? fault.remaining - 1 : fault.remaining,
      });
      this.#changed.add(fault.id);
      if (strikes) return fault;
    }
    return null;
  }

  /** Those whose counts have moved. */
  changed(): SandboxFault[] {
    return [...this.#faults.values()].filter(({ id }) => this.#changed.has(id));
  }
}

function isAbout(scope: FaultScope, { action, regionId, instances }: Meeting): boolean {
  if (scope.action !== null && scope.action !== action) return false;
  if (scope.regionId !== null && scope.regionId !== regionId) return false;
  if (scope.instanceId === null && scope.instanceType === null) return true;
  return instances.some(
    ({ id, instanceType }) =>
      (scope.instanceId === null || scope.instanceId === id) && (scope.instanceType === null || scope.instanceType === instanceType),
  );
}

/** From 0 to below 100, spread evenly over meetings: the mixer of splitmix32. */
function shareOf(seed: number, meeting: number): number {
  let mixed = (seed + Math.imul(meeting + 1, 0x9e3779b9)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * 100;
}
