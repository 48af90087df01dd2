import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServiceAccounts, type ServiceAccounts } from '../gcp/accounts.ts';
import { bodyOf, serve } from '../http-server.ts';
import type { Peer } from '../peer.ts';
import { methodOf, problemsOfAnswer, problemsOfRequest, type Method } from './discovery.ts';
import { CalendarState, NOT_FOUND, type EventResource, type Refusal } from './state.ts';

/** What the next call meets: a refusal, or an effect without an answer, or nothing at all. */
export type Fault = Refusal | 'answer-lost' | 'no-answer';

export interface CalendarStandIn extends Peer {
  /** For the configuration: the URL that takes the place of Google's token host. */
  tokenUrl: string;
  accounts: ServiceAccounts;
  calendarId: string;
  state: CalendarState;
  /** Calls in their order, without those that were refused for a fault. */
  calls: { method: string; params: Record<string, string>; query: Record<string, string> }[];
  /** Lets the next calls fail, one each; with `of`, the next calls of that method. */
  fail(fault: Fault, options?: { of?: string; times?: number }): void;
  /** Withdraws every fault that has not been met. */
  heal(): void;
  /** The calendar is shared with an account, with a right; null: not at all. */
  share(email: string, right: 'writer' | 'reader' | null): void;
  /** Holds calls back, without an answer, until the returned function is called. */
  hold(): () => void;
  /** Until so many calls are held back. */
  waiting(calls: number): Promise<void>;
  /** Called when a call has had its effect, before it is answered. */
  onEffect(hook: (method: string) => void): void;
  /** Channels that are open, by their id. */
  channels: Map<string, { id: string; resourceId: string; address: string; token: string }>;
}

interface Inside {
  accounts: ServiceAccounts;
  calendarId: string;
  state: CalendarState;
  calls: CalendarStandIn['calls'];
  faults: { fault: Fault; of: string | null }[];
  rights: Map<string, 'writer' | 'reader'>;
  channels: CalendarStandIn['channels'];
  gate: Promise<void> | null;
  held: number;
  arrivals: EventEmitter;
  now: () => number;
  effect: (method: string) => void;
}

/**
 * A stand-in for Google Calendar's API, version 3, and its token host, of which no peer exists. What it takes
 * and answers is checked against its discovery document: a request or an answer that is not declared fails the test
 * that made it.
 */
export async function startCalendarStandIn({ calendarId = 'c_bookings@group.calendar.google.com', now = Date.now } = {}): Promise<CalendarStandIn> {
  const inside: Inside = {
    accounts: createServiceAccounts('acme-calendars'),
    calendarId,
    state: new CalendarState(now),
    calls: [],
    faults: [],
    rights: new Map(),
    channels: new Map(),
    gate: null,
    held: 0,
    arrivals: new EventEmitter(),
    now,
    effect: () => undefined,
  };
  const peer = await serve((request, response) => handle(inside, request, response));
  return {
    ...peer,
    tokenUrl: `${peer.url}/token`,
    accounts: inside.accounts,
    calendarId,
    state: inside.state,
    calls: inside.calls,
    channels: inside.channels,
    fail: (fault, { of = null, times = 1 }: { of?: string | null; times?: number } = {}) => {
      for (let count = 0; count < times; count += 1) inside.faults.push({ fault, of });
    },
    onEffect: (hook) => {
      inside.effect = hook;
    },
    heal: () => void inside.faults.splice(0),
    share: (email, right) => void (right === null ? inside.rights.delete(email) : inside.rights.set(email, right)),
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

async function handle(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://stand-in');
  const text = (await bodyOf(request)).toString('utf8');
  if (url.pathname === '/token') {
    const answer = inside.accounts.exchange(new URLSearchParams(text));
    send(response, answer.status, answer.body);
    return;
  }
  if (inside.gate !== null) {
    inside.held += 1;
    inside.arrivals.emit('held');
    await inside.gate;
  }
  const found = methodOf(request.method ?? '', url.pathname);
  if (found === null) throw new Error(`The discovery document declares no ${request.method} ${url.pathname}.`);
  const { method, params } = found;
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  const problems = problemsOfRequest(method, params, url.searchParams, body);
  if (problems.length > 0) throw new Error(`The request does not fit the discovery document: ${problems.join('; ')}`);
  const account = inside.accounts.ownerOf(request.headers.authorization);
  if (account === null) return sendRefusal(response, INVALID_CREDENTIALS);
  const at = inside.faults.findIndex(({ of }) => of === null || of === method.id);
  const [met] = at < 0 ? [] : inside.faults.splice(at, 1);
  if (met !== undefined && typeof met.fault === 'object') return sendRefusal(response, met.fault);
  if (met?.fault === 'no-answer') return void response.destroy();
  const answer = answerTo(inside, { method, params, query: url.searchParams, body, email: account.email });
  inside.calls.push({ method: method.id, params, query: Object.fromEntries(url.searchParams) });
  inside.effect(method.id);
  if (met?.fault === 'answer-lost') return void response.destroy();
  if ('refusal' in answer) return sendRefusal(response, answer.refusal);
  const ok = answer.ok === undefined ? undefined : (JSON.parse(JSON.stringify(answer.ok)) as unknown);
  const own = problemsOfAnswer(method, ok);
  if (own.length > 0) throw new Error(`The stand-in's own answer does not fit the discovery document: ${own.join('; ')}`);
  send(response, ok === undefined ? 204 : 200, ok);
}

interface Asked {
  method: Method;
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
  email: string;
}

type Answer = { ok: object | undefined } | { refusal: Refusal };

function answerTo(inside: Inside, asked: Asked): Answer {
  const { method, params } = asked;
  if (method.id === 'calendar.channels.stop') return stopChannel(inside, asked.body as { id: string });
  const right = inside.rights.get(asked.email);
  // What is not shared does not exist.
  if (params.calendarId !== inside.calendarId || right === undefined) return { refusal: NOT_FOUND };
  const reads = ['calendar.events.get', 'calendar.events.list', 'calendar.events.watch'].includes(method.id);
  if (right === 'reader' && !reads) return { refusal: NEEDS_WRITER };
  return perform(inside, asked);
}

function perform({ state, channels, now }: Inside, { method, params, query, body }: Asked): Answer {
  const id = params.eventId ?? '';
  switch (method.id) {
    case 'calendar.events.insert':
      return answered(state.insert(body as Partial<EventResource>));
    case 'calendar.events.get':
      return answered(state.get(id));
    case 'calendar.events.patch':
      return answered(state.patch(id, body as Record<string, unknown>));
    case 'calendar.events.delete': {
      const refused = state.remove(id);
      return refused === null ? { ok: undefined } : { refusal: refused };
    }
    case 'calendar.events.list': {
      const listed = state.list(query);
      if ('status' in listed) return { refusal: listed };
      const { page, ...tokens } = listed;
      return { ok: { kind: 'calendar#events', etag: '"list"', summary: 'Bookings', timeZone: 'Europe/Berlin', accessRole: 'writer', defaultReminders: [], items: page, ...tokens } };
    }
    case 'calendar.events.watch': {
      const wish = body as { id: string; address: string; token: string; params?: { ttl?: string } };
      if (channels.has(wish.id)) return { refusal: { status: 400, reason: 'channelIdNotUnique', message: 'Channel id not unique' } };
      const resourceId = `resource-of-${params.calendarId ?? ''}`;
      channels.set(wish.id, { id: wish.id, resourceId, address: wish.address, token: wish.token });
      return { ok: { kind: 'api#channel', id: wish.id, resourceId, resourceUri: 'https://www.googleapis.com/calendar/v3/', token: wish.token, expiration: String(now() + Number(wish.params?.ttl ?? 604_800) * 1000) } };
    }
    default:
      throw new Error(`The stand-in does not do ${method.id}.`);
  }
}

function stopChannel({ channels }: Inside, { id }: { id: string }): Answer {
  return channels.delete(id) ? { ok: undefined } : { refusal: { status: 404, reason: 'notFound', message: 'Channel not found' } };
}

function answered(result: EventResource | Refusal): Answer {
  return 'kind' in result ? { ok: result } : { refusal: result };
}

const INVALID_CREDENTIALS: Refusal = { status: 401, reason: 'authError', message: 'Invalid Credentials' };
const NEEDS_WRITER: Refusal = { status: 403, reason: 'requiredAccessLevel', message: 'You need to have writer access to this calendar.' };

/** Refusals as Google words them. https://developers.google.com/workspace/calendar/api/guides/errors */
export const REFUSALS = {
  rateLimit: { status: 403, reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded' },
  userRateLimit: { status: 403, reason: 'userRateLimitExceeded', message: 'User Rate Limit Exceeded' },
  quota: { status: 403, reason: 'quotaExceeded', message: 'Calendar usage limits exceeded.' },
  tooMany: { status: 429, reason: 'rateLimitExceeded', message: 'Too Many Requests' },
  forbidden: { status: 403, reason: 'forbidden', message: 'Forbidden' },
  backend: { status: 500, reason: 'backendError', message: 'Backend Error' },
  unavailable: { status: 503, reason: 'backendError', message: 'Service Unavailable' },
} as const satisfies Record<string, Refusal>;

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...(body !== undefined && { 'content-type': 'application/json; charset=UTF-8' }), ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function sendRefusal(response: ServerResponse, { status, reason, message, retryAfter }: Refusal): void {
  const error = { code: status, message, errors: [{ domain: 'global', reason, message }] };
  send(response, status, { error }, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}
