import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf, serve } from '../http-server.ts';
import type { Peer } from '../peer.ts';
import { createServiceAccounts, type ServiceAccounts } from './accounts.ts';
import { ComputeState, notFound, type Refusal } from './compute-state.ts';
import { problemsOfAnswer, problemsOfRequest, routeOf, type Route } from './sdk-model.ts';

export interface ComputeStandInOptions {
  project: string;
  zones: readonly string[];
  /** What time it is there. Default: as here. */
  now?: () => number;
  /** How long an operation takes. Default: 0, it has ended when next looked at. */
  operationMs?: number;
}

export interface RecordedCall {
  /** As the SDK declares it: `Instances.Start`. */
  rpc: string;
  permission: string;
  params: Record<string, string>;
  query: Record<string, string>;
}

export interface ComputeStandIn extends Peer {
  project: string;
  /** For the settings: the URL that takes the place of Google's token host. */
  tokenUrl: string;
  accounts: ServiceAccounts;
  state: ComputeState;
  calls: RecordedCall[];
  /** Zones that the next listing cannot reach. */
  unreachable: Set<string>;
  /** Refuses the next calls before anything else is looked at, one each. */
  refuseNext(...refusals: Refusal[]): void;
  /** Changes the next answer of a listing, to what the API may say and this does not by itself. */
  rewriteListing(change: (page: Record<string, unknown>) => void): void;
  /** Holds calls back, without an answer, until the returned function is called. */
  hold(): () => void;
  /** Until so many calls are held back. */
  waiting(calls: number): Promise<void>;
}

/** The permission that each call is checked for. https://cloud.google.com/compute/docs/reference/rest/v1 */
const PERMISSIONS: Record<string, string> = {
  'Instances.AggregatedList': 'compute.instances.list',
  'Instances.List': 'compute.instances.list',
  'Instances.Get': 'compute.instances.get',
  'Instances.Start': 'compute.instances.start',
  'Instances.Stop': 'compute.instances.stop',
  'ZoneOperations.Get': 'compute.zoneOperations.get',
  'ZoneOperations.Wait': 'compute.zoneOperations.get',
};

type Answer = { ok: object; isLost?: boolean } | { refusal: Refusal };

/**
 * A stand-in for the Compute API and Google's token host, of which no peer exists. What it takes and
 * answers is checked against the description in the SDK's package: a request or an answer that the
 * SDK does not declare fails the test that made it.
 */
export async function startComputeStandIn(options: ComputeStandInOptions): Promise<ComputeStandIn> {
  const { now = Date.now, operationMs = 0, project } = options;
  const inside: Inside = {
    options,
    accounts: createServiceAccounts(project),
    state: new ComputeState(project, now, operationMs),
    calls: [],
    unreachable: new Set(),
    refusals: [],
    rewrites: [],
    gate: null,
    held: 0,
    arrivals: new EventEmitter(),
  };
  const peer = await serve((request, response) => handle(inside, request, response));
  return {
    ...peer,
    project,
    tokenUrl: `${peer.url}/token`,
    accounts: inside.accounts,
    state: inside.state,
    calls: inside.calls,
    unreachable: inside.unreachable,
    refuseNext: (...refusals) => void inside.refusals.push(...refusals),
    rewriteListing: (change) => void inside.rewrites.push(change),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      inside.gate = promise;
      return () => {
        inside.gate = null;
        inside.held = 0;
        resolve();
      };
    },
    waiting: async (calls) => {
      while (inside.held < calls) await once(inside.arrivals, 'held');
    },
  };
}

interface Inside {
  options: ComputeStandInOptions;
  accounts: ServiceAccounts;
  state: ComputeState;
  calls: RecordedCall[];
  unreachable: Set<string>;
  refusals: Refusal[];
  rewrites: ((page: Record<string, unknown>) => void)[];
  gate: Promise<void> | null;
  held: number;
  arrivals: EventEmitter;
}

async function handle(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://stand-in');
  const body = (await bodyOf(request)).toString('utf8');
  if (inside.gate !== null) {
    inside.held += 1;
    inside.arrivals.emit('held');
    await inside.gate;
  }
  if (url.pathname === '/token') {
    const answer = inside.accounts.exchange(new URLSearchParams(body));
    send(response, answer.status, answer.body);
    return;
  }
  const found = routeOf(request.method ?? '', url.pathname);
  if (found === null) throw new Error(`The SDK declares no ${request.method} ${url.pathname}.`);
  const problems = problemsOfRequest(found.route, found.params, url.searchParams);
  if (problems.length > 0) throw new Error(`The request does not fit the SDK: ${problems.join('; ')}`);
  // What the SDK sends where the call declares no body.
  if (body !== '' && body !== '""') throw new Error(`A body where none belongs: ${body}`);
  inside.state.settle();
  const answer = answerTo(inside, found.route, found.params, url.searchParams, request.headers.authorization);
  if ('refusal' in answer) {
    sendRefusal(response, answer.refusal);
    return;
  }
  const own = problemsOfAnswer(found.route, JSON.parse(JSON.stringify(answer.ok)));
  if (own.length > 0) throw new Error(`The stand-in's own answer does not fit the SDK: ${own.join('; ')}`);
  if (answer.isLost === true) response.destroy();
  else send(response, 200, answer.ok);
}

function answerTo(inside: Inside, route: Route, params: Record<string, string>, query: URLSearchParams, authorization: string | undefined): Answer {
  const permission = PERMISSIONS[route.rpc];
  if (permission === undefined) throw new Error(`The stand-in does not do ${route.rpc}.`);
  const account = inside.accounts.ownerOf(authorization);
  if (account === null) return { refusal: INVALID_CREDENTIALS };
  inside.calls.push({ rpc: route.rpc, permission, params, query: Object.fromEntries(query) });
  const refused = inside.refusals.shift();
  if (refused !== undefined) return { refusal: refused };
  const { project } = inside.options;
  if (params.project !== project) return { refusal: notFound(params.project ?? '', '') };
  if (account.permissions !== null && !account.permissions.has(permission)) {
    const place = [params.zone === undefined ? '' : `/zones/${params.zone}`, params.instance === undefined ? '' : `/instances/${params.instance}`].join('');
    return { refusal: { status: 403, reason: 'forbidden', message: `Required '${permission}' permission for 'projects/${project}${place}'` } };
  }
  return perform(inside, route.rpc, params, query);
}

const INVALID_CREDENTIALS: Refusal = {
  status: 401,
  reason: 'authError',
  message: 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
};

function perform(inside: Inside, rpc: string, params: Record<string, string>, query: URLSearchParams): Answer {
  const { zone = '', instance = '', operation = '', project = '' } = params;
  if (rpc === 'Instances.AggregatedList') return { ok: aggregated(inside, query) };
  if (!inside.options.zones.includes(zone)) return { refusal: notFound(project, `zones/${zone}`) };
  if (rpc === 'Instances.List') return { ok: ofZone(inside, zone, query) };
  if (rpc === 'Instances.Get') {
    const found = inside.state.find(zone, instance);
    return found === undefined ? { refusal: notFound(project, `zones/${zone}/instances/${instance}`) } : { ok: found.resource };
  }
  if (rpc.startsWith('ZoneOperations.')) {
    const found = inside.state.operation(zone, operation);
    return found === undefined ? { refusal: notFound(project, `zones/${zone}/operations/${operation}`) } : { ok: found };
  }
  const requestId = query.get('requestId');
  if (requestId !== null && !UUID.test(requestId)) {
    return { refusal: { status: 400, reason: 'invalid', message: `Invalid value for field 'requestId': '${requestId}'.` } };
  }
  const discard = query.get('discardLocalSsd');
  const wish = { requestId, discardLocalSsd: discard === null ? null : discard === 'true' };
  const change = inside.state.change(rpc === 'Instances.Start' ? 'start' : 'stop', zone, instance, wish);
  return 'operation' in change ? { ok: { ...change.operation }, isLost: change.isLost } : { refusal: change };
}

/** The zero UUID is not supported, the reference says. */
const UUID = /^(?!0{8}-)[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Every zone is named on every page, those without results on it with a warning. */
function aggregated(inside: Inside, query: URLSearchParams): object {
  const { project, zones } = inside.options;
  const isPartial = query.get('returnPartialSuccess') === 'true';
  const reachable = inside.state.all().filter(({ zone }) => !inside.unreachable.has(zone));
  const { page, next } = pageOf(reachable, query);
  const items = zones.map((zone) => {
    const instances = page.filter((one) => one.zone === zone).map(({ resource }) => resource);
    const scope = `zones/${zone}`;
    const code = inside.unreachable.has(zone) && isPartial ? 'UNREACHABLE' : 'NO_RESULTS_ON_PAGE';
    const warning = { code, message: `There are no results for scope '${scope}' on this page.`, data: [{ key: 'scope', value: scope }] };
    return [scope, instances.length > 0 ? { instances } : { warning }];
  });
  const answer = {
    kind: 'compute#instanceAggregatedList',
    id: `projects/${project}/aggregated/instances`,
    items: Object.fromEntries(items) as object,
    ...(next !== null && { nextPageToken: next }),
    ...(inside.unreachable.size > 0 && isPartial && { unreachables: [...inside.unreachable].map((zone) => `projects/${project}/zones/${zone}`) }),
    selfLink: `https://www.googleapis.com/compute/v1/projects/${project}/aggregated/instances`,
  };
  inside.rewrites.shift()?.(answer);
  // Out of reach for one whole listing.
  if (next === null) inside.unreachable.clear();
  return answer;
}

function ofZone(inside: Inside, zone: string, query: URLSearchParams): object {
  const { page, next } = pageOf(
    inside.state.all().filter((one) => one.zone === zone),
    query,
  );
  return { kind: 'compute#instanceList', id: `projects/${inside.options.project}/zones/${zone}/instances`, items: page.map(({ resource }) => resource), ...(next !== null && { nextPageToken: next }) };
}

function pageOf<T>(all: readonly T[], query: URLSearchParams): { page: readonly T[]; next: string | null } {
  const from = Number(Buffer.from(query.get('pageToken') ?? '', 'base64url').toString('utf8') || '0');
  const to = from + Math.min(Number(query.get('maxResults') ?? '500'), 500);
  return { page: all.slice(from, to), next: to < all.length ? Buffer.from(String(to)).toString('base64url') : null };
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
  response.end(JSON.stringify(body));
}

function sendRefusal(response: ServerResponse, { status, reason, message, retryAfter, details }: Refusal): void {
  const error = { code: status, message, errors: [{ message, domain: 'global', reason }], ...(details !== undefined && { details }) };
  send(response, status, { error }, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}
