import type { OperationState } from '../data-sources/cloud-ports.ts';
import type { DiscoveredInstance, ObservedInstance } from '../resources/instance.ts';
import type { Instant } from '../shared/time.ts';
import { callFaultError, problemOfFault, refuseCall, sandboxError, type SandboxAction, type SandboxDecision, type SandboxView } from './call.ts';
import { FaultDraws } from './fault.ts';
import { settle, toDiscovered, type SandboxInstance } from './instance.ts';

/** A call that only looks. */
export interface ReadCall {
  action: Extract<SandboxAction, 'discover' | 'observe' | 'follow-operation'>;
  at: Instant;
  accountId: string;
  regionId: string;
  /** The instances asked for; empty where a region is listed. */
  ids: readonly string[];
}

/** What a look found. `answer` says nothing when `refusal` does. */
export type Read<T> = SandboxDecision & { answer: T };

export interface ListedPage {
  instances: DiscoveredInstance[];
  /** After which id the next page begins; null when there is none. */
  next: string | null;
}

/** A page of a region's listing, of at most `limit` instances. Members that their group has replaced are not in it. */
export function listInstances(view: SandboxView, call: ReadCall, limit: number): Read<ListedPage> {
  return read(view, call, { instances: [], next: null }, (instances) => ({
    instances: instances.filter(({ state }) => state !== 'terminated').map((instance) => toDiscovered(instance, view.account)),
    next: instances.length < limit ? null : (instances.at(-1)?.id ?? null),
  }));
}

/** What the asked instances are. Unknown ones are terminated. */
export function observeInstances(view: SandboxView, call: ReadCall): Read<Map<string, ObservedInstance>> {
  return read(view, call, new Map(), (instances) => {
    const known = new Map(instances.map((instance) => [instance.id, instance]));
    return new Map(
      call.ids.map((id) => {
        const { state, stateReason } = known.get(id) ?? { state: 'terminated' as const, stateReason: 'The sandbox does not know it.' };
        return [id, { state, stateReason }];
      }),
    );
  });
}

/** How the operation of the one instance is doing. Only an instance's newest is remembered. */
export function followOperation(view: SandboxView, call: ReadCall, operation: string): Read<OperationState> {
  return read(view, call, { done: true, error: null }, ([instance]) => operationState(instance, operation));
}

function operationState(instance: SandboxInstance | undefined, operation: string): OperationState {
  if (instance === undefined || instance.operation !== operation) return { done: true, error: null };
  const { state, failure } = instance;
  if (state === 'starting' || state === 'stopping') return { done: false };
  if (failure === null) return { done: true, error: null };
  const action = state === 'stopped' ? 'start' : 'stop';
  const error = sandboxError(action, failure, {
    resource: instance.id,
    cloudCode: 'OperationFailed',
    cloudMessage: instance.stateReason ?? undefined,
  });
  return { done: true, error };
}

function read<T>(view: SandboxView, call: ReadCall, nothing: T, answer: (instances: SandboxInstance[]) => T): Read<T> {
  const { action, at, regionId, ids } = call;
  const draws = new FaultDraws(view.faults);
  const meeting = { action, regionId, instances: ids.map((id) => ({ id, instanceType: null })) };
  const line = { at, via: 'api' as const, action, regionId, instanceId: ids.length === 1 ? (ids[0] ?? null) : null, instanceName: null, requestKey: null, changed: false };
  const fault = refuseCall(draws, meeting) ?? draws.strike('answer-lost', meeting);
  if (fault !== null) {
    const refusal = callFaultError(fault, action, ids.length === 1 ? (ids[0] ?? call.accountId) : `${call.accountId} in ${regionId}`);
    const entry = { ...line, batch: ids.length, outcome: problemOfFault(fault), detail: refusal.message };
    return { answer: nothing, changed: [], faults: draws.changed(), log: [entry], refusal };
  }
  const now = view.instances.map((instance) => settle(instance, at));
  // What a scaling group replaced is for the store's replacing to write.
  const changed = now.filter((instance, index) => instance !== view.instances[index] && instance.state !== 'terminated');
  const log = [{ ...line, batch: now.length, outcome: 'accepted' as const, detail: null }];
  return { answer: answer(now), changed, faults: draws.changed(), log, refusal: null };
}
