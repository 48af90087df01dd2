import { AsyncLocalStorage } from 'node:async_hooks';
import type { InstancesClient } from '@google-cloud/compute/build/src/v1/instances_client.js';
import type { ZoneOperationsClient } from '@google-cloud/compute/build/src/v1/zone_operations_client.js';
import { GoogleRefusal } from './refusal.ts';
import type { GcpSettings } from './settings.ts';
import type { TokenSource } from './tokens.ts';

/** The SDK's clients, in the name of whoever the call is run for. */
export interface ComputeSdk {
  instances: InstancesClient;
  operations: ZoneOperationsClient;
}

/** Options of every call: the SDK's own retries are off, and it ends at the time-out or at the signal. */
export interface SdkCallOptions {
  retry: null;
  timeout: number;
  signal: AbortSignal;
  autoPaginate: false;
}

export type RunWithSdk = <T>(
  source: TokenSource,
  signal: AbortSignal,
  call: (sdk: ComputeSdk, options: SdkCallOptions) => Promise<T>,
) => Promise<T>;

/**
 * One pair of SDK clients serves all accounts, since each new client hashes the twelve megabytes that
 * describe the API. They are loaded by the first call: half a second and a hundred megabytes, where the
 * package's front door, which loads every client and the beta's, would cost a second and two hundred.
 */
export function createSdkRunner(settings: GcpSettings): RunWithSdk {
  const caller = new AsyncLocalStorage<TokenSource>();
  let loaded: Promise<ComputeSdk> | undefined;
  return async (source, signal, call) => {
    loaded ??= load(settings, caller);
    const sdk = await loaded;
    return caller.run(source, () => call(sdk, { retry: null, timeout: settings.requestTimeoutMs, signal, autoPaginate: false }));
  };
}

async function load(settings: GcpSettings, caller: AsyncLocalStorage<TokenSource>): Promise<ComputeSdk> {
  const [{ InstancesClient }, { ZoneOperationsClient }] = await Promise.all([
    import('@google-cloud/compute/build/src/v1/instances_client.js'),
    import('@google-cloud/compute/build/src/v1/zone_operations_client.js'),
  ]);
  const options = { ...endpointOptions(settings.endpoints.compute), authClient: transportFor(caller) };
  const sdk: ComputeSdk = { instances: new InstancesClient(options), operations: new ZoneOperationsClient(options) };
  await Promise.all([sdk.instances.initialize(), sdk.operations.initialize()]);
  return sdk;
}

function endpointOptions(origin: string | null): { apiEndpoint?: string; port?: number; protocol?: string } {
  if (origin === null) return {};
  const { hostname, port, protocol } = new URL(origin);
  return { apiEndpoint: hostname, protocol: protocol.slice(0, -1), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

type SdkOptions = NonNullable<ConstructorParameters<typeof InstancesClient>[0]>;

/** What the SDK hands to its auth client for each request. */
interface SdkRequest {
  method: string;
  headers: Headers;
  body?: string;
  signal: AbortSignal;
}

/**
 * The SDK's transport. Below the SDK, because above it an answer's Retry-After and its reasons are lost:
 * a refusal is thrown as it came, and the SDK carries it as its error's cause.
 */
function transportFor(caller: AsyncLocalStorage<TokenSource>): SdkOptions['authClient'] {
  const request = async (url: string, { method, headers, body, signal }: SdkRequest): Promise<Response> => {
    const source = caller.getStore();
    if (source === undefined) throw new Error('The SDK was called outside of a run.');
    const own = new Headers(headers);
    for (const [name, value] of await beforeAbort(source.headers(), signal)) own.set(name, value);
    const response = await fetch(withPartialSuccess(url), { method, headers: own, signal, ...(body !== undefined && { body }) });
    if (response.ok) return response;
    if (response.status === 401) source.refused();
    throw new GoogleRefusal(response.status, response.headers.get('retry-after'), await response.text());
  };
  // Over REST the SDK uses these two of an auth client, and reads nothing else.
  const authClient = { fetch: request, getRequestHeaders: () => Promise.resolve(new Headers()) };
  return authClient as unknown as SdkOptions['authClient'];
}

/**
 * Without it, one zone that is out of reach fails the listing of all. The API's reference has the
 * parameter, and so has this SDK's description of the beta, but not its v1.
 */
function withPartialSuccess(url: string): string {
  const target = new URL(url);
  if (target.pathname.endsWith('/aggregated/instances')) target.searchParams.set('returnPartialSuccess', 'true');
  return target.href;
}

/** A token's exchange is shared by calls, so that one call's end must not end it: only its waiting. */
async function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abandon = (): void => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}
