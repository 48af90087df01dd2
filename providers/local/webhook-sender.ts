import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { Webhook } from 'standardwebhooks';
import { toInstant } from '../../domain/shared/time.ts';
import type { OutgoingMessage, WebhookSender } from '../../domain/webhooks/ports.ts';
import type { Attempt } from '../../domain/webhooks/webhook-delivery.ts';
import { addressRule, type AddressRule } from './receiver-address.ts';
import { connectionError, RefusedAddress, statusError, TimedOut } from './webhook-errors.ts';
import { refusedLiteral, type WebhookTargetSettings } from './webhook-targets.ts';

/** Resolves a name to all its addresses, as `dns.lookup` does with `all`. */
export type Resolve = (hostname: string, answer: (error: Error | null, addresses: LookupAddress[]) => void) => void;

export interface WebhookSenderSettings extends WebhookTargetSettings {
  /** PEM of an authority that is trusted beside the public ones; null: none. */
  certificateAuthority: string | null;
  /** How names are resolved; the system's resolver by default. */
  resolve?: Resolve | undefined;
  /** For an attempt in all; 15 s by default. */
  timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 15_000;
const MOST_READ = 64 * 1024;
const MOST_KEPT = 4 * 1024;
/** Shorter ones are words like `on`, which would be struck out everywhere. */
const SHORTEST_SECRET = 4;

interface Answer {
  status: number;
  text: string;
  retryAfter: string | undefined;
}

/**
 * Sends by HTTP/1.1 on a connection of its own. The address is checked where the connection resolves its host, so there
 * is no moment between check and use in which a name could change.
 */
export function createWebhookSender(settings: WebhookSenderSettings): WebhookSender {
  const rule = addressRule(settings.allowedNetworks);
  const lookup = guardedLookup(settings.resolve ?? systemResolve, rule);
  const ca = settings.certificateAuthority === null ? undefined : [...rootCertificates, settings.certificateAuthority];
  return {
    async send(message, signal) {
      const started = performance.now();
      const limit = AbortSignal.timeout(settings.timeoutMs ?? TIMEOUT_MS);
      let end: Pick<Attempt, 'status' | 'answer' | 'error' | 'retryAfterSeconds'>;
      try {
        const answer = await post(message, { lookup, rule, ca, allowHttp: settings.allowHttp, limit, stop: signal });
        end = {
          status: answer.status,
          answer: keptPart(answer.text, message),
          error: statusError(answer.status),
          retryAfterSeconds: retryAfterOf(answer.retryAfter, message.at),
        };
      } catch (error) {
        // A worker that stops is no failure of the receiver's.
        signal.throwIfAborted();
        end = { status: null, answer: null, error: connectionError(limit.aborted ? new TimedOut() : error), retryAfterSeconds: null };
      }
      return { at: message.at, durationMs: Math.round(performance.now() - started), ...end };
    },
  };
}

interface Route {
  lookup: LookupFunction;
  rule: AddressRule;
  ca: string[] | undefined;
  allowHttp: boolean;
  limit: AbortSignal;
  stop: AbortSignal;
}

async function post(message: OutgoingMessage, { lookup, rule, ca, allowHttp, limit, stop }: Route): Promise<Answer> {
  const url = new URL(message.url);
  // Names are judged where they are resolved; an address in the URL never is. The configuration may have become stricter.
  if (refusedLiteral(url, rule) !== null || (url.protocol !== 'https:' && !allowHttp)) throw new RefusedAddress();
  const body = Buffer.from(message.payload);
  const signal = AbortSignal.any([limit, stop]);
  const options = { method: 'POST', lookup, signal, agent: false, headers: headersOf(message, body.length) };
  return await new Promise<Answer>((resolve, reject) => {
    let hasAnswered = false;
    const answered = (response: http.IncomingMessage): void => {
      hasAnswered = true;
      readAnswer(response).then(resolve, reject);
    };
    const request = url.protocol === 'https:' ? https.request(url, { ...options, ca }, answered) : http.request(url, options, answered);
    request.on('error', (error) => {
      // Once there is a status, it counts, whatever becomes of the connection.
      if (!hasAnswered) reject(error);
    });
    request.end(body);
  });
}

function headersOf({ messageId, at, payload, secrets, headers }: OutgoingMessage, length: number): http.OutgoingHttpHeaders {
  const timestamp = new Date(Math.floor(Date.parse(at) / 1000) * 1000);
  return {
    ...headers,
    'user-agent': 'Orrery-Webhooks',
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'content-length': length,
    'webhook-id': messageId,
    'webhook-timestamp': String(timestamp.getTime() / 1000),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(messageId, timestamp, payload)).join(' '),
  };
}

/** The status is the answer; the body is read for the log, as far as it comes. */
async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let read = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      read += chunk.length;
      if (read >= MOST_READ) break;
    }
  } catch (error) {
    // The receiver had decided already when its connection broke or it fell silent; what came is kept.
    chunks.push(Buffer.from(`\n(the answer ended early: ${connectionError(error).code})`));
  }
  response.destroy();
  const text = Buffer.concat(chunks).subarray(0, MOST_READ).toString('utf8');
  return { status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] };
}

/** The beginning of an answer, without what we sent in confidence and without what text columns cannot hold. */
function keptPart(text: string, { secrets, headers }: OutgoingMessage): string {
  const values = Object.values(headers);
  const secretParts = [...values, ...values.flatMap((value) => value.split(/\s+/)), ...secrets, ...secrets.map((secret) => secret.replace(/^whsec_/, ''))];
  const longestFirst = secretParts.filter((part) => part.length >= SHORTEST_SECRET).toSorted((a, b) => b.length - a.length);
  const masked = longestFirst.reduce((rest, part) => rest.replaceAll(part, '[masked]'), text);
  return Buffer.from(masked.replaceAll('\0', '�')).subarray(0, MOST_KEPT).toString('utf8').toWellFormed();
}

/** Seconds of a Retry-After header, which is a number or a date (RFC 9110, section 10.2.3); null for any other. */
function retryAfterOf(header: string | undefined, at: string): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - Date.parse(toInstant(at))) / 1000));
}

const systemResolve: Resolve = (hostname, answer) => dnsLookup(hostname, { all: true }, answer);

/** One refused address among several refuses the name: who owns it should not have it. */
function guardedLookup(resolve: Resolve, rule: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) callback(error, []);
      else if (first === undefined || addresses.some(({ address }) => !rule.allows(address))) callback(new RefusedAddress(), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
