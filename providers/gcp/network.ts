/** An error and what caused it: both libraries wrap what their transport throws, once or twice. */
export function chainOf(thrown: unknown): Error[] {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error && chain.length < MOST_CAUSES; error = error.cause) chain.push(error);
  return chain;
}

const MOST_CAUSES = 5;

/** gRPC's number, which the SDK uses over REST as well. */
const GRPC_DEADLINE_EXCEEDED = 4;

/**
 * Why nothing came back: `DEADLINE_EXCEEDED`, the system's code such as `ECONNREFUSED`, or
 * `NetworkError`. Null when the failure is of another kind.
 */
export function networkCodeOf(failures: readonly Error[]): string | null {
  const codes = failures.map((one) => (one as { code?: unknown }).code);
  const isTimeout = codes.includes(GRPC_DEADLINE_EXCEEDED) || codes.includes('TimeoutError') || failures.some(({ name }) => name === 'TimeoutError');
  if (isTimeout) return 'DEADLINE_EXCEEDED';
  const system = codes.find((code): code is string => typeof code === 'string' && /^[A-Z][A-Z_0-9]+$/.test(code));
  if (system !== undefined) return system;
  return failures.some(({ message }) => message === 'fetch failed' || message === 'terminated') ? 'NetworkError' : null;
}
