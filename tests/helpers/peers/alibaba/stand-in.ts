import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AlibabaKeyPair } from '../../../../domain/data-sources/cloud-credentials.ts';
import { bodyOf, serve } from '../http-server.ts';
import type { Peer } from '../peer.ts';
import { perform, type Answer, type EcsState } from './ecs.ts';
import { newInstance, type Course, type Instance, type InstanceSetUp } from './instances.ts';
import { OPERATIONS, problemsOfAnswer, readParameters, type Operation, type Parameters } from './model.ts';
import { ramRefusal, refusal, type Refusal } from './refusals.ts';
import { verifySignature, type KnownKey } from './signature.ts';

export interface AlibabaOptions {
  accountId: string;
  /** Default: cn-hangzhou and eu-central-1. */
  regions?: string[];
  /** Largest page, below what callers ask. Default 100. */
  pageSize?: number;
  /** How long starting and stopping take by the stand-in's time. Default 1,000. */
  transitionMs?: number;
  /** How SuccessFirst takes an id nobody knows. Default: as that member's own failure. */
  unknownIds?: 'member' | 'whole-batch';
  /** The stand-in's time. Default: the machine's. */
  now?: () => number;
}

/** What a call meets instead of its answer. */
export type CallFault =
  | { kind: 'refused'; refusal: Refusal }
  /** It is done, and the connection breaks before the answer. */
  | { kind: 'answer-lost' }
  /** The connection breaks before anything is done. */
  | { kind: 'reset' }
  /** 200 with this body, whatever the model says of it. */
  | { kind: 'odd-answer'; body: object }
  /** A gateway before the cloud answers with a page of its own. */
  | { kind: 'html'; status: number }
  /** Nothing is ever answered. */
  | { kind: 'silent' };

/** What the next start or stop of one instance meets. */
export type InstanceFault = CallFault | { kind: 'member-refused'; code: string; message: string } | { kind: 'course'; course: Course };

export interface RecordedCall {
  action: string;
  permission: string;
  keyId: string;
  parameters: Parameters;
}

export interface AlibabaStandIn extends Peer {
  instances: Map<string, Instance>;
  /** Calls with a valid signature, in order. */
  calls: RecordedCall[];
  /** What changed an instance's course, in order. */
  effects: EcsState['effects'];
  /** A RAM user (or the account itself) with a key; RAM allows it what is named, or everything. */
  createUser(user: { name: string; allowed: readonly string[] | 'everything'; isAccount?: boolean }): AlibabaKeyPair;
  setKeyActive(keyId: string, isActive: boolean): void;
  add(setUp: InstanceSetUp): Instance;
  /** The next start or stop that names the instance meets this. */
  arrange(nativeId: string, fault: InstanceFault): void;
  /** The next call of this action meets this; given `only`, the next one with such parameters. */
  failNext(action: string, fault: CallFault, only?: (parameters: Parameters) => boolean): void;
  /** Lets the stand-in's time go on. */
  advance(milliseconds: number): void;
}

interface User {
  name: string;
  allowed: readonly string[] | 'everything';
  isAccount: boolean;
}

/**
 * A stand-in for Alibaba Cloud's ECS and STS, of which no peer exists: RPC over plain HTTP, every
 * signature verified, RAM by action. Every request and every answer is checked against the models in
 * the SDK's packages, so neither can drift from them.
 */
export async function startAlibabaStandIn(options: AlibabaOptions): Promise<AlibabaStandIn> {
  const site = createSite(options);
  const peer = await serve((request, response) => answer(site, request, response));
  return { ...peer, ...controlsOf(site) };
}

interface Site {
  accountId: string;
  state: EcsState;
  keys: Map<string, KnownKey>;
  users: Map<string, User>;
  nonces: Set<string>;
  calls: RecordedCall[];
  callFaults: { action: string; fault: CallFault; only: (parameters: Parameters) => boolean }[];
  instanceFaults: Map<string, InstanceFault>;
  advanced: { milliseconds: number };
}

function createSite(options: AlibabaOptions): Site {
  const { now = Date.now } = options;
  const advanced = { milliseconds: 0 };
  const instanceFaults = new Map<string, InstanceFault>();
  const take = <K extends InstanceFault['kind']>(nativeId: string, kind: K): Extract<InstanceFault, { kind: K }> | null => {
    const fault = instanceFaults.get(nativeId);
    if (fault?.kind !== kind) return null;
    instanceFaults.delete(nativeId);
    return fault as Extract<InstanceFault, { kind: K }>;
  };
  const state: EcsState = {
    regions: options.regions ?? ['cn-hangzhou', 'eu-central-1'],
    instances: new Map(),
    pageSize: options.pageSize ?? 100,
    transitionMs: options.transitionMs ?? 1_000,
    unknownIds: options.unknownIds ?? 'member',
    now: () => now() + advanced.milliseconds,
    effects: [],
    takeMemberRefusal: (nativeId) => take(nativeId, 'member-refused'),
    takeCourse: (nativeId) => take(nativeId, 'course')?.course ?? 'reaches',
  };
  return { accountId: options.accountId, state, keys: new Map(), users: new Map(), nonces: new Set(), calls: [], callFaults: [], instanceFaults, advanced };
}

function controlsOf(site: Site): Omit<AlibabaStandIn, keyof Peer> {
  return {
    instances: site.state.instances,
    calls: site.calls,
    effects: site.state.effects,
    createUser: ({ name, allowed, isAccount = false }) => {
      const keyId = `LTAI5t${createHash('sha256').update(name).digest('hex').slice(0, 18)}`;
      const secret = randomUUID().replaceAll('-', '').slice(0, 30);
      site.keys.set(keyId, { secret, isActive: true });
      site.users.set(keyId, { name, allowed, isAccount });
      return { kind: 'access-key', access_key_id: keyId, access_key_secret: secret };
    },
    setKeyActive: (keyId, isActive) => {
      const key = site.keys.get(keyId);
      if (key === undefined) throw new Error(`no key ${keyId}`);
      key.isActive = isActive;
    },
    add: (setUp) => {
      const id = `i-bp1${randomUUID().replaceAll('-', '').slice(0, 17)}`;
      const instance = newInstance(id, setUp, site.state.now());
      site.state.instances.set(id, instance);
      return instance;
    },
    arrange: (nativeId, fault) => void site.instanceFaults.set(nativeId, fault),
    failNext: (action, fault, only = () => true) => void site.callFaults.push({ action, fault, only }),
    advance: (milliseconds) => void (site.advanced.milliseconds += milliseconds),
  };
}

async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const keyId = verifySignature({ request, url, body }, site.keys, site.nonces);
  if (typeof keyId !== 'string') return reply(response, keyId);
  const action = String(request.headers['x-acs-action']);
  const operation = OPERATIONS.get(action);
  if (operation === undefined || operation.version !== request.headers['x-acs-version']) {
    return reply(response, refusal(404, 'InvalidAction.NotFound', 'Specified api is not found, please check your url and method.'));
  }
  const { parameters, problems } = readParameters(operation, url.searchParams);
  site.calls.push({ action, permission: operation.permission, keyId, parameters });
  if (problems.length > 0) return reply(response, refusal(400, 'InvalidParameter', problems.join('; ')));
  const denied = ramDecision(site, operation, keyId);
  if (denied !== null) return reply(response, denied);
  const fault = takeCallFault(site, action, parameters);
  if (fault === null || fault.kind === 'answer-lost') {
    const done = action === 'GetCallerIdentity' ? identityOf(site, keyId) : perform(site.state, action, parameters);
    if ('output' in done) assertFits(operation, action, done.output);
    if (fault === null) return reply(response, done);
  }
  meet(fault, response);
}

/** The caller's identity needs no permission. */
function ramDecision(site: Site, { permission }: Operation, keyId: string): Refusal | null {
  const user = site.users.get(keyId);
  if (user === undefined) throw new Error(`the key ${keyId} has no user`);
  if (permission === 'sts:GetCallerIdentity' || user.allowed === 'everything' || user.allowed.includes(permission)) return null;
  return ramRefusal(permission, site.accountId, user.name);
}

function identityOf({ accountId, users }: Site, keyId: string): Answer {
  const { name, isAccount } = users.get(keyId) ?? { name: '', isAccount: false };
  const UserId = isAccount ? accountId : '216959339000654321';
  return {
    output: {
      IdentityType: isAccount ? 'Account' : 'RAMUser',
      AccountId: accountId,
      PrincipalId: UserId,
      UserId,
      Arn: isAccount ? `acs:ram::${accountId}:root` : `acs:ram::${accountId}:user/${name}`,
    },
  };
}

function takeCallFault(site: Site, action: string, parameters: Parameters): CallFault | null {
  const index = site.callFaults.findIndex((one) => one.action === action && one.only(parameters));
  if (index >= 0) return site.callFaults.splice(index, 1)[0]?.fault ?? null;
  for (const nativeId of (parameters.instanceId ?? []) as string[]) {
    const fault = site.instanceFaults.get(nativeId);
    if (fault === undefined || fault.kind === 'member-refused' || fault.kind === 'course') continue;
    site.instanceFaults.delete(nativeId);
    return fault;
  }
  return null;
}

function meet(fault: CallFault, response: ServerResponse): void {
  if (fault.kind === 'refused') reply(response, fault.refusal);
  else if (fault.kind === 'odd-answer') reply(response, { output: fault.body });
  else if (fault.kind === 'html') {
    response.writeHead(fault.status, { 'content-type': 'text/html' });
    response.end('<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>');
  } else if (fault.kind !== 'silent') response.destroy();
}

function reply(response: ServerResponse, answer: Answer): void {
  const RequestId = randomUUID().toUpperCase();
  const common = { 'content-type': 'application/json;charset=utf-8', 'x-acs-request-id': RequestId };
  if ('output' in answer) {
    response.writeHead(200, common);
    response.end(JSON.stringify({ ...answer.output, RequestId }));
    return;
  }
  response.writeHead(answer.status, { ...common, ...answer.headers });
  const Recommend = `https://api.alibabacloud.com/troubleshoot?q=${answer.code}&requestId=${RequestId}`;
  response.end(JSON.stringify({ RequestId, HostId: 'ecs.aliyuncs.com', Code: answer.code, Message: answer.message, Recommend, ...answer.more }));
}

function assertFits(operation: Operation, action: string, output: object): void {
  const problems = problemsOfAnswer(output, operation.response, action);
  if (problems.length > 0) throw new Error(`The stand-in's own answer does not fit the model: ${problems.join('; ')}`);
}
