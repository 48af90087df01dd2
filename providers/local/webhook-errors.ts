import { DomainError, toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';

/** A name or URL leads to an address that messages may not go to. */
export class RefusedAddress extends Error {
  readonly code = 'ORRERY_ADDRESS_REFUSED';
}

/** The attempt took longer than it may. */
export class TimedOut extends Error {
  readonly code = 'ORRERY_TIMED_OUT';
}

type Known = [pattern: RegExp, what: string, message: string];

/** What Node calls it, what we call it, and what to do. Node's own text may quote an address, so it is not passed on. */
const KNOWN: readonly Known[] = [
  [/^ORRERY_ADDRESS_REFUSED$/, 'address-refused', 'The host leads to an address that is not public. The operator may allow its network with ORRERY_WEBHOOK_NETWORKS.'],
  [/^ORRERY_TIMED_OUT$/, 'timed-out', 'The receiver did not answer within 15 seconds. Let it answer first and work afterwards.'],
  [/^(ENOTFOUND|EAI_AGAIN|ENODATA)$/, 'name-not-resolved', 'The host’s name could not be resolved. Check the URL and its DNS records.'],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL)$/, 'not-reachable', 'No connection to the receiver. Check that it runs and that a firewall lets us through.'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$/, 'connection-reset', 'The receiver closed the connection before it answered.'],
  [/^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$|HOSTNAME_MISMATCH)/, 'tls-failed', 'TLS with the receiver failed: its certificate must be valid for the host and issued by a trusted authority.'],
  [/^HPE_/, 'not-http', 'What answered does not speak HTTP as we do.'],
];

/** The record of an attempt that got no answer. */
export function connectionError(error: unknown): ErrorRecord {
  const code = codeOf(error);
  const [, what, message] = KNOWN.find(([pattern]) => pattern.test(code)) ?? [null, 'connection-failed', 'The connection to the receiver failed.'];
  return record(what, message, { reason: code });
}

/** The record of an answer that is no success; null for 2xx. Redirects are not followed, so they are failures. */
export function statusError(status: number): ErrorRecord | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return record('redirected', `The receiver answered ${status}. Redirects are not followed: give the URL it leads to.`, { status });
  if (status === 410) return record('gone', 'The receiver answered 410 Gone: it wants nothing any more.', { status });
  return record('answered-error', `The receiver answered ${status}; only 2xx counts as received.`, { status });
}

function record(what: string, message: string, details: Record<string, unknown>): ErrorRecord {
  return toErrorRecord(new DomainError({ kind: 'unavailable', code: `webhooks.${what}`, message, details }));
}

/** Several addresses were tried: the first failure stands for all. */
function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: unknown[] };
  if (typeof code === 'string') return code;
  const [first] = Array.isArray(errors) ? errors : [];
  return first === undefined ? 'UNKNOWN' : codeOf(first);
}
