import { cloudError, type CloudProblem, type CloudReply } from '../data-sources/cloud-errors.ts';
import type { DomainError } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import type { SandboxAccount } from './account.ts';
import type { CallFault, FaultDraws, Meeting, SandboxFault } from './fault.ts';
import type { SandboxInstance } from './instance.ts';

/** Calls of the sandbox's own API. */
export const SANDBOX_ACTIONS = ['discover', 'observe', 'follow-operation', 'start', 'stop'] as const;
export type SandboxAction = (typeof SANDBOX_ACTIONS)[number];

/** The permission that each call asks for. */
export const SANDBOX_PERMISSION = {
  discover: 'sandbox:ListInstances',
  observe: 'sandbox:DescribeInstances',
  'follow-operation': 'sandbox:DescribeInstances',
  start: 'sandbox:StartInstances',
  stop: 'sandbox:StopInstances',
} as const satisfies Record<SandboxAction, string>;

/** One line of the call log: one of a start or stop for each instance, one of any other call. */
export interface SandboxLogEntry {
  at: Instant;
  /** `console` for a person outside the product. */
  via: 'api' | 'console';
  action: SandboxAction;
  regionId: string | null;
  instanceId: string | null;
  instanceName: string | null;
  /** How many instances the call was about. */
  batch: number;
  requestKey: string | null;
  /** `accepted`, or the problem it met; `answer-lost` when it took effect and nobody was told. */
  outcome: 'accepted' | 'answer-lost' | CloudProblem;
  /** It set the instance on another course. */
  changed: boolean;
  /** What the cloud said of a problem. */
  detail: string | null;
}

/** What a call finds. */
export interface SandboxView {
  account: SandboxAccount;
  faults: SandboxFault[];
  /** In the order of their ids. */
  instances: SandboxInstance[];
}

/** What a call leaves for the store to write, and whether its caller is told an error. */
export interface SandboxDecision {
  changed: SandboxInstance[];
  faults: SandboxFault[];
  log: SandboxLogEntry[];
  /** The call as a whole was refused, or its answer got lost. */
  refusal: DomainError | null;
}

const SAYS: Record<CallFault, { problem: CloudProblem; cloudCode: string; message: string; httpStatus: number }> = {
  unavailable: { problem: 'unavailable', cloudCode: 'ServiceUnavailable', message: 'the sandbox is down', httpStatus: 503 },
  'bad-credentials': { problem: 'bad-credentials', cloudCode: 'AuthFailure', message: 'access was revoked', httpStatus: 401 },
  'permission-denied': { problem: 'missing-permission', cloudCode: 'AccessDenied', message: 'the permission is not granted', httpStatus: 403 },
  throttled: { problem: 'throttled', cloudCode: 'RequestLimitExceeded', message: 'too many calls', httpStatus: 429 },
  'answer-lost': { problem: 'unavailable', cloudCode: 'ConnectionReset', message: 'the connection broke before the answer', httpStatus: 503 },
};

/** A refusal in the sandbox's words. */
export function sandboxError(
  action: SandboxAction,
  problem: CloudProblem,
  reply: Pick<CloudReply, 'resource' | 'cloudCode'> & Partial<CloudReply>,
): DomainError {
  const call = SANDBOX_PERMISSION[action];
  return cloudError('sandbox', problem, { call, ...(problem === 'missing-permission' && { permission: call }), ...reply });
}

/** The error that a fault of a whole call becomes. */
export function callFaultError(fault: SandboxFault, action: SandboxAction, resource: string): DomainError {
  const says = SAYS[fault.kind as CallFault];
  return sandboxError(action, says.problem, {
    resource,
    cloudCode: says.cloudCode,
    cloudMessage: fault.message ?? says.message,
    httpStatus: says.httpStatus,
    retryAfterSeconds: fault.kind === 'throttled' ? (fault.retryAfterSeconds ?? undefined) : undefined,
  });
}

/** A fault that keeps a call from being carried out at all. */
export function refuseCall(draws: FaultDraws, meeting: Meeting): SandboxFault | null {
  for (const kind of ['unavailable', 'bad-credentials', 'permission-denied', 'throttled'] as const) {
    const fault = draws.strike(kind, meeting);
    if (fault !== null) return fault;
  }
  return null;
}

export function problemOfFault(fault: SandboxFault): CloudProblem {
  return SAYS[fault.kind as CallFault].problem;
}
