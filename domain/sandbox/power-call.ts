import { problemOf, type CloudProblem } from '../data-sources/cloud-errors.ts';
import type { PowerCall } from '../data-sources/cloud-ports.ts';
import type { CannotStopReason, InstanceRef } from '../resources/instance.ts';
import type { DomainError } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import { callFaultError, problemOfFault, refuseCall, sandboxError, type SandboxDecision, type SandboxLogEntry, type SandboxView } from './call.ts';
import { FaultDraws, type Meeting } from './fault.ts';
import { beginStart, beginStop, settle, type Beginning, type SandboxInstance } from './instance.ts';

/** A start or stop of some instances of one region. */
export interface PowerRequest {
  action: 'start' | 'stop';
  at: Instant;
  accountId: string;
  refs: readonly Pick<InstanceRef, 'nativeId' | 'regionId' | 'discardLocalSsd'>[];
  requestKey: string;
}

/** What becomes of a start or stop. `answers` says nothing when `refusal` does. */
export type PowerDecision = SandboxDecision & { answers: Map<string, PowerCall> };

interface Outcome {
  id: string;
  name: string | null;
  instance: SandboxInstance | null;
  changed: boolean;
  refused: DomainError | null;
}

/**
 * Decides a start or stop. Faults of the whole call come first, then each instance for itself. A repeat by
 * the key of the newest request that set the instance on this course changes nothing, whatever happened
 * to it meanwhile; a request that failed after it was accepted is forgotten.
 */
export function decidePower(view: SandboxView, request: PowerRequest): PowerDecision {
  const draws = new FaultDraws(view.faults);
  const known = new Map(view.instances.map((instance) => [instance.id, settle(instance, request.at)]));
  const refused = refuseCall(draws, meetingOf(request, known));
  if (refused !== null) {
    const refusal = callFaultError(refused, request.action, resourceOf(request));
    const log = request.refs.map(({ nativeId }) => logEntry(request, known.get(nativeId) ?? null, nativeId, problemOfFault(refused), refusal.message));
    return { answers: new Map(), changed: [], faults: draws.changed(), log, refusal };
  }
  const outcomes = request.refs.map((ref) => decideOne(view, request, draws, ref, known.get(ref.nativeId)));
  const culprit = outcomes.find(({ refused }) => refused !== null)?.refused ?? null;
  if (culprit !== null && view.account.refusesWholeBatches) return refuseWhole(request, outcomes, culprit, draws);
  const lost = draws.strike('answer-lost', meetingOf(request, known));
  const log = outcomes.map((one) => ({
    ...logEntry(request, one.instance, one.id, one.refused === null ? 'accepted' : problemFrom(one.refused), one.refused?.message ?? null),
    ...(lost !== null && { outcome: 'answer-lost' as const }),
    changed: one.changed,
  }));
  return {
    answers: new Map(outcomes.map((one) => [one.id, answerOf(one)])),
    changed: outcomes.flatMap(({ changed, instance }) => (changed && instance !== null ? [instance] : [])),
    faults: draws.changed(),
    log,
    refusal: lost === null ? null : callFaultError(lost, request.action, resourceOf(request)),
  };
}

function refuseWhole(request: PowerRequest, outcomes: Outcome[], refusal: DomainError, draws: FaultDraws): PowerDecision {
  const problem = problemFrom(refusal);
  const log = outcomes.map((one) => logEntry(request, one.instance, one.id, problem, refusal.message));
  return { answers: new Map(), changed: [], faults: draws.changed(), log, refusal };
}

function answerOf({ instance, refused }: Outcome): PowerCall {
  if (refused !== null) return { accepted: false, error: refused };
  return { accepted: true, state: instance?.state ?? null, operation: instance?.operation ?? null };
}

function decideOne(
  view: SandboxView,
  request: PowerRequest,
  draws: FaultDraws,
  ref: PowerRequest['refs'][number],
  instance: SandboxInstance | undefined,
): Outcome {
  const id = ref.nativeId;
  if (instance === undefined || instance.regionId !== ref.regionId || instance.state === 'terminated') {
    const refused = sandboxError(request.action, 'not-found', { resource: id, cloudCode: 'InvalidInstanceID.NotFound', httpStatus: 404 });
    return { id, name: null, instance: null, changed: false, refused };
  }
  const unchanged: Outcome = { id, name: instance.name, instance, changed: false, refused: null };
  const { action, requestKey } = request;
  if ((action === 'start' ? instance.startKey : instance.stopKey) === requestKey) return unchanged;
  if (isUnderWay(instance, action)) return unchanged;
  const refused = refusalOf(instance, action, ref.discardLocalSsd) ?? refusalByFault(draws, request, instance);
  if (refused !== null) return { ...unchanged, refused };
  const about = meetingOf(request, new Map([[id, instance]]), [id]);
  const failing = draws.strike('operation-fails', about);
  const beginning: Beginning = {
    at: request.at,
    reason: action === 'stop' ? 'User.InitiatedShutdown: stopped over the API' : null,
    requestKey,
    operation: view.account.operations ? `${action}-${instance.version + 1}` : null,
    fails: failing === null ? null : { problem: action === 'start' ? 'no-capacity' : 'unavailable', reason: failing.message ?? failureOf(instance, action) },
  };
  const begun =
    action === 'start' ? beginStart(instance, beginning) : beginStop(instance, beginning, draws.strike('stuck-stopping', about) !== null);
  return { ...unchanged, instance: begun, changed: true };
}

function failureOf(instance: SandboxInstance, action: 'start' | 'stop'): string {
  return action === 'start'
    ? `Server.InsufficientInstanceCapacity: no capacity for ${instance.instanceType} in ${instance.zone} while it started`
    : 'Server.InternalError: the stop failed and the instance runs on';
}

/** It is, or will be by itself, what the action asks for. */
export function isUnderWay({ state }: SandboxInstance, action: 'start' | 'stop'): boolean {
  return action === 'start' ? state === 'starting' || state === 'running' : state === 'stopping' || state === 'stopped';
}

const CLOUD_CODE: Record<Exclude<CannotStopReason, 'scaling-group'>, { cloudCode: string; cloudMessage: string }> = {
  'one-time-spot': { cloudCode: 'UnsupportedOperation', cloudMessage: 'a one-time spot instance cannot be stopped' },
  'instance-store-root': { cloudCode: 'UnsupportedOperation', cloudMessage: 'an instance whose root lies in the instance store cannot be stopped' },
  'stop-protection': { cloudCode: 'OperationNotPermitted', cloudMessage: 'stop protection is on' },
  'local-ssd': { cloudCode: 'LocalDisksWouldBeLost', cloudMessage: 'ask for its local disks to be discarded' },
};

/** Why the cloud refuses this of the instance as it is, or null. A group's member stops, and is replaced. */
export function refusalOf(instance: SandboxInstance, action: 'start' | 'stop', discardLocalSsd: boolean): DomainError | null {
  const resource = instance.id;
  if (action === 'stop') {
    const reason = whyNotStopped(instance, discardLocalSsd);
    if (reason !== null) return sandboxError(action, 'cannot-stop', { resource, ...CLOUD_CODE[reason], httpStatus: 400 });
  }
  if (instance.state !== (action === 'start' ? 'stopped' : 'running')) {
    return sandboxError(action, 'wrong-state', { resource, cloudCode: 'IncorrectInstanceState', cloudMessage: `it is ${instance.state}`, httpStatus: 400 });
  }
  return null;
}

function whyNotStopped(instance: SandboxInstance, discardLocalSsd: boolean): Exclude<CannotStopReason, 'scaling-group'> | null {
  if (instance.spot === 'one-time') return 'one-time-spot';
  if (instance.instanceStoreRoot) return 'instance-store-root';
  if (instance.stopProtection) return 'stop-protection';
  return instance.localSsd && !discardLocalSsd ? 'local-ssd' : null;
}

const REFUSES: Record<'no-capacity' | 'quota-exceeded', { cloudCode: string; says: (instance: SandboxInstance) => string }> = {
  'no-capacity': {
    cloudCode: 'InsufficientInstanceCapacity',
    says: ({ instanceType, zone }) => `no capacity for ${instanceType} in ${zone}`,
  },
  'quota-exceeded': { cloudCode: 'VcpuLimitExceeded', says: () => 'the account has used up its vCPUs' },
};

function refusalByFault(draws: FaultDraws, request: PowerRequest, instance: SandboxInstance): DomainError | null {
  if (request.action === 'stop') return null;
  for (const kind of ['no-capacity', 'quota-exceeded'] as const) {
    const fault = draws.strike(kind, meetingOf(request, new Map([[instance.id, instance]]), [instance.id]));
    if (fault === null) continue;
    const { cloudCode, says } = REFUSES[kind];
    return sandboxError('start', kind, { resource: instance.id, cloudCode, cloudMessage: fault.message ?? says(instance), httpStatus: 400 });
  }
  return null;
}

function meetingOf(request: PowerRequest, known: Map<string, SandboxInstance>, ids = request.refs.map(({ nativeId }) => nativeId)): Meeting {
  return {
    action: request.action,
    regionId: request.refs[0]?.regionId ?? null,
    instances: ids.map((id) => ({ id, instanceType: known.get(id)?.instanceType ?? null })),
  };
}

function resourceOf({ refs, accountId }: PowerRequest): string {
  return refs.length === 1 ? (refs[0]?.nativeId ?? accountId) : `${refs.length} instances of ${accountId}`;
}

/** Every error made here is the sandbox's. */
function problemFrom(error: DomainError): CloudProblem {
  const problem = problemOf(error);
  if (problem === null) throw new Error(`${error.code} is no cloud error`, { cause: error });
  return problem;
}

function logEntry(
  request: PowerRequest,
  instance: SandboxInstance | null,
  instanceId: string,
  outcome: SandboxLogEntry['outcome'],
  detail: string | null,
): SandboxLogEntry {
  return {
    at: request.at,
    via: 'api',
    action: request.action,
    regionId: request.refs[0]?.regionId ?? null,
    instanceId,
    instanceName: instance?.name ?? null,
    batch: request.refs.length,
    requestKey: request.requestKey,
    outcome,
    changed: false,
    detail,
  };
}
