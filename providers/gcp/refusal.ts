/** An answer of Google's that is no success, as it came. It never leaves the adapter: `errors.ts` rebuilds it. */
export class GoogleRefusal extends Error {
  readonly httpStatus: number;
  readonly retryAfter: string | null;
  readonly body: string;

  constructor(httpStatus: number, retryAfter: string | null, body: string) {
    super(`Google answered ${httpStatus}`);
    this.name = 'GoogleRefusal';
    this.httpStatus = httpStatus;
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

/** What is read of an error of the Compute API. */
export interface RefusalText {
  /** Every word by which Google names the reason, most telling first. Empty for a page of some proxy's. */
  reasons: string[];
  message: string | undefined;
  /** The permission that is missing, where Google names it. */
  permission: string | undefined;
}

interface ErrorBody {
  error?: {
    message?: string;
    status?: string;
    errors?: { reason?: string; message?: string }[];
    details?: { '@type'?: string; reason?: string; metadata?: Record<string, string> }[];
  };
}

/**
 * Reads Google's JSON error: the `ErrorInfo` of newer services, the `errors[].reason` of older ones,
 * and the canonical status. https://cloud.google.com/apis/design/errors
 */
export function readRefusal(body: string): RefusalText {
  const error = parse(body)?.error;
  if (typeof error !== 'object' || error === null) return { reasons: [], message: undefined, permission: undefined };
  const info = (error.details ?? []).find((detail) => detail['@type'] === 'type.googleapis.com/google.rpc.ErrorInfo');
  const reasons = [info?.reason, ...(error.errors ?? []).map(({ reason }) => reason), error.status];
  const message = error.message ?? error.errors?.[0]?.message;
  return {
    reasons: reasons.filter((one): one is string => typeof one === 'string' && one !== ''),
    message,
    permission: info?.metadata?.permission ?? /Required '([A-Za-z0-9.]+)' permission/.exec(message ?? '')?.[1],
  };
}

function parse(body: string): ErrorBody | null {
  try {
    return JSON.parse(body) as ErrorBody | null;
  } catch {
    // A page of a proxy or load balancer: its status tells all there is to know.
    return null;
  }
}

/** Retry-After in seconds, which it gives as a number or as a date. */
export function retryAfterSeconds(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
