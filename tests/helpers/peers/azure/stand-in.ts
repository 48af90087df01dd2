import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AZURE_ACTIONS } from '../../../../domain/data-sources/azure-permissions.ts';
import { serve } from '../http-server.ts';
import type { Peer } from '../peer.ts';
import { matchRequest, undeclared, type MatchedRequest, type OperationName } from './arm-model.ts';
import { makeLoopbackCertificate } from './certificate.ts';
import { createEntra, type Application, type Entra } from './entra.ts';
import { createMachines, wireOf, type Action, type Fault, type Machines, type Operation, type Refusal } from './machines.ts';

export interface AzureOptions {
  /** Machines in one page of a listing. Default 200. */
  pageSize?: number;
  /** What time it is. Default: the real clock. */
  now?: () => number;
  /** How long a start or deallocation takes. Default 0. */
  operationMs?: number;
}

export interface AzureStandIn extends Peer {
  /** PEM of the authority to trust. */
  authority: string;
  entra: Entra;
  subscription: { id: string; isDisabled: boolean };
  machines: Machines;
  /** The next call of the action on this machine meets it, once. */
  arrange(nativeId: string, action: Action, fault: Fault): void;
  /** The nth request for a page from now on is refused; 1 is the next. */
  refusePage(nth: number, refusal: Refusal): void;
  /** Called at each request, before it is answered. */
  whenAsked(listener: () => void): void;
  /** Permissions that were asked for, in order, and on what. */
  asked: { permission: string; resource: string }[];
}

/** One server for both of Azure's hosts. */
interface Arm {
  standIn: Omit<AzureStandIn, keyof Peer>;
  pageSize: number;
  origin: string;
  /** Refusals by how many requests for a page come before. */
  pages: Map<number, Refusal>;
  listener: () => void;
}

type Answer = { status: number; body: object | null; headers?: Record<string, string> } | 'lost';

/**
 * A stand-in for Azure, of which no peer can be had: Entra ID's tokens and Resource Manager's virtual
 * machines with pages, roles and long-running operations, over HTTPS. Requests are only taken as the
 * SDK's own operations send them, and each answer must be made of what the SDK declares; whatever
 * does not fit ends the connection and fails `stop`.
 */
export async function startAzureStandIn(options: AzureOptions = {}): Promise<AzureStandIn> {
  const certificate = await makeLoopbackCertificate();
  const clock = { now: options.now ?? Date.now, operationMs: options.operationMs ?? 0 };
  const subscription = { id: randomUUID(), isDisabled: false };
  const machines = createMachines(subscription.id, clock);
  const standIn: Arm['standIn'] = {
    authority: certificate.authority,
    entra: createEntra(randomUUID()),
    subscription,
    machines,
    asked: [],
    arrange: (nativeId, action, fault) => {
      const machine = machines.all.get(nativeId);
      if (machine === undefined) throw new Error(`There is no ${nativeId}.`);
      machine.faults[action] = fault;
    },
    refusePage: (nth, refusal) => void arm.pages.set(nth - 1, refusal),
    whenAsked: (listener) => {
      arm.listener = listener;
    },
  };
  const arm: Arm = { standIn, pageSize: options.pageSize ?? 200, origin: '', pages: new Map(), listener: () => undefined };
  const peer = await serve((request, response) => answerRequest(arm, request, response), certificate);
  arm.origin = peer.url;
  return { ...peer, ...standIn };
}

async function answerRequest(arm: Arm, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', arm.origin);
  if (await arm.standIn.entra.answer(request, response, url)) return;
  arm.standIn.machines.settle();
  const holder = arm.standIn.entra.holderOf(request.headers.authorization);
  const operation = operationAt(url);
  const matched = operation === null ? matchRequest(request.method ?? '', url) : null;
  const answer = matched === null ? follow(arm, holder, operation as OperationPlace) : perform(arm, holder, matched);
  if (answer === 'lost') {
    request.socket.destroy();
    return;
  }
  if (matched !== null) await assertFits(matched.operation, answer.status, answer.body);
  response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', 'x-ms-request-id': randomUUID(), ...answer.headers });
  response.end(answer.body === null ? '' : JSON.stringify(answer.body));
}

async function assertFits(operation: OperationName, status: number, body: object | null): Promise<void> {
  const problems = await undeclared(operation, status, body === null ? null : JSON.parse(JSON.stringify(body)));
  if (problems.length > 0) throw new Error(`The stand-in's own answer to ${operation} does not fit the SDK: ${problems.join('; ')}`);
}

const PERMISSIONS: Record<OperationName, string> = {
  listAll: AZURE_ACTIONS.read,
  get: AZURE_ACTIONS.read,
  start: AZURE_ACTIONS.start,
  deallocate: AZURE_ACTIONS.deallocate,
};

function perform(arm: Arm, holder: Application | null, matched: MatchedRequest): Answer {
  const { standIn } = arm;
  const { operation, subscription, group, machine: name } = matched;
  const scope = `/subscriptions/${subscription}`;
  const resource = operation === 'listAll' ? scope : `${scope}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/${name}`;
  const refused = authorise(arm, holder, subscription, PERMISSIONS[operation], resource);
  if (refused !== null) return refused;
  if (operation === 'listAll') return list(arm, matched.query);
  const machine = standIn.machines.all.get(resource.toLowerCase());
  if (machine === undefined) {
    return refusal({ status: 404, code: 'ResourceNotFound', message: `The Resource 'Microsoft.Compute/virtualMachines/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix` });
  }
  if (operation === 'get') {
    return { status: 200, body: wireOf(machine, { model: true, state: matched.query.get('$expand') === 'instanceView' }) };
  }
  return act(arm, operation, resource.toLowerCase());
}

/** What Resource Manager checks before it asks the provider: token, subscription, role. */
function authorise({ standIn, listener }: Arm, holder: Application | null, subscription: string, permission: string, resource: string): Answer | null {
  if (holder === null) return refusal({ status: 401, code: 'InvalidAuthenticationToken', message: 'The access token is invalid.' });
  if (subscription.toLowerCase() !== standIn.subscription.id) {
    return refusal({ status: 404, code: 'SubscriptionNotFound', message: `The subscription '${subscription}' could not be found.` });
  }
  standIn.asked.push({ permission, resource });
  listener();
  if (holder.allowed?.includes(permission) === true) return null;
  return refusal({
    status: 403,
    code: 'AuthorizationFailed',
    message: `The client '${holder.clientId}' with object id '${holder.clientId}' does not have authorization to perform action '${permission}' over scope '${resource}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  });
}

function list(arm: Arm, query: URLSearchParams): Answer {
  const arranged = nextPageRefusal(arm);
  if (arranged !== null) return refusal(arranged);
  const { machines, subscription } = arm.standIn;
  const isStatus = query.get('statusOnly') === 'true';
  const start = Number(query.get('$skiptoken') ?? '0');
  const end = start + arm.pageSize;
  const all = [...machines.all.values()].filter(({ isLeftOutOfStates }) => !isStatus || isLeftOutOfStates !== true);
  const value = all.slice(start, end).map((machine) => wireOf(machine, { model: !isStatus, state: isStatus }));
  if (end >= all.length) return { status: 200, body: { value } };
  const next = new URLSearchParams(query);
  next.set('$skiptoken', String(end));
  return { status: 200, body: { value, nextLink: `${arm.origin}/subscriptions/${subscription.id}/providers/Microsoft.Compute/virtualMachines?${next.toString()}` } };
}

function nextPageRefusal(arm: Arm): Refusal | null {
  const refusal = arm.pages.get(0) ?? null;
  arm.pages = new Map([...arm.pages].filter(([before]) => before > 0).map(([before, one]) => [before - 1, one]));
  return refusal;
}

function act(arm: Arm, action: Action, id: string): Answer {
  const { machines, subscription } = arm.standIn;
  const machine = machines.all.get(id);
  if (machine === undefined) throw new Error(`There is no ${id}.`);
  if (subscription.isDisabled) {
    return refusal({ status: 409, code: 'ReadOnlyDisabledSubscription', message: `The subscription '${subscription.id}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.` });
  }
  if (machine.hasReadOnlyLock === true) {
    return refusal({ status: 409, code: 'ScopeLocked', message: `The scope '${machine.id}' cannot perform write operation because following scope(s) are locked: '${machine.id}'. Please remove the lock and try again.` });
  }
  const fault = machine.faults[action] ?? null;
  delete machine.faults[action];
  if (fault?.kind === 'refused') return refusal(fault.refusal);
  const begun = machines.begin(machine, action, fault);
  if ('code' in begun) return refusal(begun);
  if (fault?.kind === 'answer-lost') return 'lost';
  const place = `${arm.origin}/subscriptions/${subscription.id}/providers/Microsoft.Compute/locations/${machine.location}/operations/${begun.id}`;
  const query = 'p=00000000-0000-0000-0000-000000000000&api-version=2026-04-01';
  return { status: 202, body: null, headers: { 'azure-asyncoperation': `${place}?${query}`, location: `${place}?${query}&monitor=true`, 'retry-after': '10' } };
}

interface OperationPlace {
  subscription: string;
  location: string;
  id: string;
}

/** Where operations are followed: the SDK goes where the answer's headers send it. */
function operationAt(url: URL): OperationPlace | null {
  const place = /^\/subscriptions\/([^/]+)\/providers\/Microsoft\.Compute\/locations\/([^/]+)\/operations\/([^/]+)$/.exec(url.pathname);
  if (place === null) return null;
  const [, subscription = '', location = '', id = ''] = place;
  // Neither is there a result to fetch, nor may anybody rely on its form.
  if (url.searchParams.has('monitor')) throw new Error('The result of a start or deallocation was fetched.');
  return { subscription, location, id };
}

/** https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations */
function follow(arm: Arm, holder: Application | null, { subscription, location, id }: OperationPlace): Answer {
  const resource = `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}`;
  const refused = authorise(arm, holder, subscription, AZURE_ACTIONS.followOperation, resource);
  if (refused !== null) return refused;
  const operation = arm.standIn.machines.operations.get(id);
  if (operation === undefined) return refusal({ status: 404, code: 'NotFound', message: `Operation ${id} was not found.` });
  return { status: 200, body: statusOf(operation) };
}

function statusOf({ id, status, startedAt, endsAt, error }: Operation): object {
  const isOver = status !== 'InProgress';
  return {
    startTime: new Date(startedAt).toISOString(),
    ...(isOver && { endTime: new Date(endsAt).toISOString() }),
    status,
    ...(isOver && error !== null && { error }),
    name: id,
  };
}

function refusal({ status, code, message, headers }: Refusal): Answer {
  return { status, body: { error: { code, message } }, ...(headers !== undefined && { headers }) };
}
