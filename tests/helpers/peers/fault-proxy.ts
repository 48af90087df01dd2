import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, serve } from './http-server.ts';
import type { Peer } from './peer.ts';

export type Fault = 'server-error' | 'reset' | 'slow' | 'truncate' | 'corrupt';

/** Probability of each fault, 0 to 1; their sum is at most 1. */
export type FaultRates = Partial<Record<Fault, number>>;

export interface FaultProxyOptions {
  seed: number;
  rates: FaultRates;
  /** How long a slow answer takes before its body and in the middle of it. Default 200. */
  slowMs?: number;
  /** Only these requests may fail; default all. */
  applies?: (request: RecordedRequest) => boolean;
  /** Awaited before a request is passed on: what happens at its peer just then. */
  before?: (request: RecordedRequest) => Promise<void> | undefined;
}

export interface RecordedRequest {
  method: string;
  /** Path and query as sent. */
  url: string;
  /** `X-Amz-Target` of the JSON services. */
  target: string | null;
  fault: Fault | null;
}

export interface FaultProxy extends Peer {
  /** Everything that came through, in order. */
  requests: RecordedRequest[];
  /** Changes what happens from now on. */
  setRates(rates: FaultRates): void;
}

const FAULTS: readonly Fault[] = ['server-error', 'reset', 'slow', 'truncate', 'corrupt'];

/**
 * Stands before an HTTP peer and does to its answers what networks and S3 do. Deterministic: the
 * fate of a request depends on the seed, its method and path, and how often that was asked before,
 * not on timing or order. A repeat draws anew, so whoever retries gets through. Headers pass
 * unchanged, so that signatures stay valid. With all rates 0 it only records.
 */
export async function startFaultProxy(target: string, options: FaultProxyOptions): Promise<FaultProxy> {
  const requests: RecordedRequest[] = [];
  const asked = new Map<string, number>();
  let rates = options.rates;
  const peer = await serve(async (request, response) => {
    const recorded = record(request);
    const identity = `${recorded.method} ${recorded.url.split('?')[0]}`;
    const repeat = asked.get(identity) ?? 0;
    asked.set(identity, repeat + 1);
    if (options.applies?.(recorded) ?? true) recorded.fault = drawFault(rates, options.seed, identity, repeat);
    requests.push(recorded);
    await options.before?.(recorded);
    await pass(target, request, response, recorded.fault, options.slowMs ?? 200);
  });
  return { ...peer, requests, setRates: (next) => void (rates = next) };
}

function record(request: IncomingMessage): RecordedRequest {
  const target = request.headers['x-amz-target'];
  return { method: request.method ?? '', url: request.url ?? '', target: typeof target === 'string' ? target : null, fault: null };
}

function drawFault(rates: FaultRates, seed: number, identity: string, repeat: number): Fault | null {
  const digest = createHash('sha256').update(`${seed} ${identity} ${repeat}`).digest();
  let left = digest.readUInt32BE(0) / 2 ** 32;
  for (const fault of FAULTS) {
    left -= rates[fault] ?? 0;
    if (left < 0) return fault;
  }
  return null;
}

async function pass(target: string, request: IncomingMessage, response: ServerResponse, fault: Fault | null, slowMs: number): Promise<void> {
  const body = await bodyOf(request);
  if (fault === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  if (fault === 'server-error') {
    // The form of S3's own: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    response.writeHead(500, { 'content-type': 'application/xml' });
    response.end('<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>');
    return;
  }
  const answer = await forward(target, request, body);
  if (fault === 'slow') await sleep(slowMs);
  // A HEAD answer has the length of a body that it does not have.
  const bytes = request.method === 'HEAD' ? Buffer.alloc(0) : answer.bytes;
  response.writeHead(answer.status, answer.headers);
  if (fault === null || bytes.byteLength < 2) response.end(bytes);
  else await spoil(response, bytes, fault, slowMs);
}

async function spoil(response: ServerResponse, bytes: Buffer, fault: Fault, slowMs: number): Promise<void> {
  const middle = Math.floor(bytes.byteLength / 2);
  if (fault === 'corrupt') {
    const spoilt = Buffer.from(bytes);
    spoilt[middle] = (spoilt[middle] ?? 0) ^ 0x01;
    response.end(spoilt);
    return;
  }
  await new Promise<void>((resolve) => response.write(bytes.subarray(0, middle), () => resolve()));
  if (fault === 'truncate') {
    response.destroy();
    return;
  }
  await sleep(slowMs);
  response.end(bytes.subarray(middle));
}

/** Passes a request on with its headers as they are, the host included: signatures stay valid. */
export async function forward(target: string, request: IncomingMessage, body: Buffer) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { hostname, port } = new URL(target);
  const headers = { ...request.headers };
  delete headers.connection;
  const outgoing = httpRequest(
    { hostname, port, method: request.method, path: request.url, headers, agent: false, setHost: false },
    resolve,
  );
  outgoing.once('error', reject);
  outgoing.end(body);
  const answer = await promise;
  const bytes = await bodyOf(answer);
  const answered = { ...answer.headers };
  delete answered.connection;
  delete answered['transfer-encoding'];
  if (request.method !== 'HEAD') answered['content-length'] = String(bytes.byteLength);
  return { status: answer.statusCode ?? 502, headers: answered, bytes };
}
