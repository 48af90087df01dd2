/** Codes of the operating system and of TLS that mean: nothing came through. */
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|ERR_TLS_.*|CERT_.*|UNABLE_TO_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*)$/;

/**
 * The code of the failure that kept an answer from coming, or null when it was something else. Our
 * time-out aborts a request the way a signal does, so it is `Timeout` when the signal is known not
 * to be the one. Looks into causes: the identity library wraps what the network said.
 */
export function unreachableCode(error: unknown): string | null {
  for (let one: unknown = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth += 1) {
    const { code } = one as Error & { code?: unknown };
    if (typeof code === 'string' && UNREACHABLE.test(code)) return code;
    if (one.name === 'AbortError') return 'Timeout';
    const named = /\b(ECONN[A-Z]+|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)\b/.exec(one.message)?.[1];
    if (named !== undefined) return named;
  }
  return null;
}

/** `Retry-After` in seconds, from either of its forms; undefined without one. */
export function retryAfterSeconds(header: string | undefined | null): number | undefined {
  if (header === undefined || header === null) return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1_000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** The cloud's sentence without links, and no longer than is worth reading. */
export function safeSentence(message: string): string {
  return message.replaceAll(/https?:\/\/\S+/g, '(URL)').replaceAll(/\s+/g, ' ').trim().slice(0, 500);
}
