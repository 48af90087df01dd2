import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContractOutcome } from '../../cloud-contract.ts';
import { forward } from '../fault-proxy.ts';
import { bodyOf, serve } from '../http-server.ts';
import type { Peer } from '../peer.ts';
import { answerXml, commercialRegions, itemsOf, refusalXml, withinInstance, withinItem, type StateName } from './ec2-xml.ts';

export interface Ec2Gate extends Peer {
  /** What the next start or stop of an instance meets. */
  arrange(nativeId: string, outcome: ContractOutcome): void;
  /** The next DescribeInstances of a region fails. */
  failRegion(region: string): void;
  /** From now on EC2 has forgotten it, as it does about an hour after an instance's end. */
  forget(nativeId: string): void;
  /** What listings tell of an instance from now on, by the element's name: what moto leaves out. */
  show(nativeId: string, element: string, content: string): void;
  /** The same for a spot request. */
  showSpotRequest(requestId: string, element: string, content: string): void;
  /** A kind of instance that moto stops and EC2 does not. */
  makeUnstoppable(nativeId: string, kind: 'one-time-spot' | 'instance-store-root'): void;
  /** Starts of what was stopped and stops of what ran, in order. */
  effective: { action: 'start' | 'stop'; nativeId: string }[];
  /** Calls in order, as IAM names them. */
  calls: string[];
  /** The regions the calls were signed for, beside `calls`. */
  regions: string[];
}

interface Asked {
  action: string;
  region: string;
  /** `InstanceId.N`. */
  ids: string[];
}

type Answer = { status: number; headers?: Record<string, string>; body: string | Buffer } | 'reset';

interface Refusal {
  status: number;
  code: string;
  message(nativeId: string): string;
}

/**
 * How EC2 words what moto never does. Server errors come with 5xx.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
const REFUSALS = {
  'no-capacity': {
    status: 500,
    code: 'InsufficientInstanceCapacity',
    message: () => 'Insufficient capacity.',
  },
  'quota-exceeded': {
    status: 400,
    code: 'VcpuLimitExceeded',
    message: () => 'You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket.',
  },
  throttled: { status: 503, code: 'RequestLimitExceeded', message: () => 'Request limit exceeded.' },
  unavailable: { status: 503, code: 'Unavailable', message: () => 'The server is overloaded and cannot handle the request.' },
  forgotten: { status: 400, code: 'InvalidInstanceID.NotFound', message: (id) => `The instance ID '${id}' does not exist` },
  terminated: {
    status: 400,
    code: 'IncorrectInstanceState',
    message: (id) => `The instance '${id}' is not in a state from which it can be started.`,
  },
  'one-time-spot': {
    status: 400,
    code: 'UnsupportedOperation',
    message: (id) => `You can't stop the Spot Instance '${id}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`,
  },
  'instance-store-root': {
    status: 400,
    code: 'UnsupportedOperation',
    message: (id) => `The instance '${id}' does not have an 'ebs' root device type and cannot be stopped.`,
  },
} as const satisfies Record<string, Refusal>;

/**
 * Stands before moto and does what EC2 does and moto does not: capacity, quotas, throttling, lost
 * answers, starts that fall back, stops that hang, and the kinds that cannot stop. It also records
 * every call. Signatures stay valid, so moto goes on checking them.
 */
export async function startEc2Gate(motoUrl: string): Promise<Ec2Gate> {
  const state = new GateState();
  const peer = await serve(async (request, response) => {
    const body = await bodyOf(request);
    const asked = askedIn(request, body);
    state.calls.push(`ec2:${asked.action}`);
    state.regions.push(asked.region);
    const own = state.ownAnswer(asked);
    const answer = own ?? state.seenThrough(asked, await forward(motoUrl, request, body));
    send(request, response, answer);
  });
  return {
    ...peer,
    arrange: (nativeId, outcome) => void state.arranged.set(nativeId, outcome),
    failRegion: (region) => void state.failingRegions.add(region),
    forget: (nativeId) => void state.forgotten.add(nativeId),
    show: (nativeId, element, content) => void state.shows.push({ nativeId, element, content }),
    showSpotRequest: (requestId, element, content) => void state.requestShows.push({ requestId, element, content }),
    makeUnstoppable: (nativeId, kind) => void state.unstoppable.set(nativeId, kind),
    effective: state.effective,
    calls: state.calls,
    regions: state.regions,
  };
}

class GateState {
  readonly arranged = new Map<string, ContractOutcome>();
  readonly failingRegions = new Set<string>();
  readonly forgotten = new Set<string>();
  readonly shows: { nativeId: string; element: string; content: string }[] = [];
  readonly requestShows: { requestId: string; element: string; content: string }[] = [];
  readonly unstoppable = new Map<string, 'one-time-spot' | 'instance-store-root'>();
  readonly effective: Ec2Gate['effective'] = [];
  readonly calls: string[] = [];
  readonly regions: string[] = [];
  /** Instances that hang in stopping for good. */
  private readonly stuck = new Set<string>();
  /** Instances whose last start fell back to stopped. */
  private readonly fallen = new Set<string>();
  private readonly terminated = new Set<string>();

  /** The gate's own answer, or null when moto is to answer. */
  ownAnswer(asked: Asked): Answer | null {
    if (asked.action === 'DescribeInstances' && this.failingRegions.delete(asked.region)) return refuse(500, 'InternalError', 'An internal error has occurred');
    if (asked.action !== 'StartInstances' && asked.action !== 'StopInstances') return null;
    // EC2 looks at the whole list before it changes anything.
    const refused = this.refusalOf(asked);
    if (refused !== null) return refused;
    const special = asked.ids.filter((id) => this.stuck.has(id) || this.arranged.has(id));
    if (special.length === 0) return null;
    if (asked.ids.length > 1) throw new Error('What is arranged is for a call with one instance.');
    return this.special(asked.action, special[0] as string);
  }

  /** What moto answered, recorded, and changed to what EC2 would show. */
  seenThrough(asked: Asked, answer: { status: number; headers: Record<string, unknown>; bytes: Buffer }): Answer {
    let xml = answer.bytes.toString('utf8');
    this.record(asked.action, xml);
    const lost = asked.ids.find((id) => this.arranged.get(id) === 'answer-lost');
    if (lost !== undefined) {
      this.arranged.delete(lost);
      return 'reset';
    }
    if (asked.action === 'DescribeInstances' && answer.status === 200) xml = this.shown(xml);
    if (asked.action === 'DescribeSpotInstanceRequests') {
      for (const { requestId, element, content } of this.requestShows) xml = withinItem(xml, `<spotInstanceRequestId>${requestId}</spotInstanceRequestId>`, element, content);
    }
    if (asked.action === 'DescribeRegions') xml = commercialRegions(xml);
    return { status: answer.status, headers: { 'content-type': 'text/xml' }, body: xml };
  }

  private refusalOf({ action, ids }: Asked): Answer | null {
    for (const id of ids) {
      if (this.forgotten.has(id)) return worded('forgotten', id);
      if (this.terminated.has(id) && action === 'StartInstances') return worded('terminated', id);
      const kind = this.unstoppable.get(id);
      if (kind !== undefined && action === 'StopInstances') return worded(kind, id);
      const outcome = this.arranged.get(id);
      if (action === 'StartInstances' && (outcome === 'no-capacity' || outcome === 'quota-exceeded' || outcome === 'throttled' || outcome === 'unavailable')) {
        this.arranged.delete(id);
        return worded(outcome, id);
      }
    }
    return null;
  }

  private special(action: string, id: string): Answer | null {
    if (action === 'StopInstances' && (this.stuck.has(id) || this.arranged.get(id) === 'stuck-stopping')) {
      const previous: StateName = this.stuck.has(id) ? 'stopping' : 'running';
      if (!this.stuck.has(id)) this.effective.push({ action: 'stop', nativeId: id });
      this.arranged.delete(id);
      this.stuck.add(id);
      return { status: 200, body: answerXml(action, id, 'stopping', previous) };
    }
    if (action === 'StartInstances' && this.stuck.has(id)) return worded('terminated', id);
    if (action === 'StartInstances' && this.arranged.get(id) === 'operation-fails') {
      this.arranged.delete(id);
      this.fallen.add(id);
      return { status: 200, body: answerXml(action, id, 'pending', 'stopped') };
    }
    return null;
  }

  private record(action: string, xml: string): void {
    if (action === 'TerminateInstances') for (const { id } of itemsOf(xml)) this.terminated.add(id);
    const [did, from] = action === 'StartInstances' ? (['start', 'stopped'] as const) : (['stop', 'running'] as const);
    if (action !== 'StartInstances' && action !== 'StopInstances') return;
    for (const { id, previous } of itemsOf(xml)) {
      this.fallen.delete(id);
      if (previous === from) this.effective.push({ action: did, nativeId: id });
    }
  }

  private shown(xml: string): string {
    let shown = xml;
    for (const id of this.stuck) shown = withinInstance(shown, id, 'instanceState', '<code>64</code><name>stopping</name>');
    for (const id of this.fallen) shown = withinInstance(shown, id, 'stateReason', CAPACITY_REASON);
    for (const { nativeId, element, content } of this.shows) shown = withinInstance(shown, nativeId, element, content);
    return shown;
  }
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html */
const CAPACITY_REASON =
  '<code>Server.InsufficientInstanceCapacity</code><message>Server.InsufficientInstanceCapacity: There was insufficient capacity available to satisfy the launch request.</message>';

function askedIn(request: IncomingMessage, body: Buffer): Asked {
  const given = new URLSearchParams(body.toString('utf8'));
  const valuesOf = (form: RegExp): string[] => [...given].filter(([name]) => form.test(name)).map(([, value]) => value);
  return {
    action: given.get('Action') ?? '',
    region: /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '',
    ids: valuesOf(/^InstanceId\.\d+$/),
  };
}

function worded(outcome: keyof typeof REFUSALS, nativeId: string): Answer {
  const { status, code, message } = REFUSALS[outcome];
  return refuse(status, code, message(nativeId));
}

function refuse(status: number, code: string, message: string): Answer {
  return { status, body: refusalXml(code, message) };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (answer === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'text/xml', ...answer.headers });
  response.end(answer.body);
}
