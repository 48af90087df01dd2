import type { protos } from '@google-cloud/compute';
import { callGcp } from './errors.ts';
import type { ComputeSdk, RunWithSdk, SdkCallOptions } from './sdk.ts';
import type { TokenSource } from './tokens.ts';

export type Instance = protos.google.cloud.compute.v1.IInstance;
export type Operation = protos.google.cloud.compute.v1.IOperation;
export type AggregatedPage = protos.google.cloud.compute.v1.IInstanceAggregatedList;
export type ZonePage = protos.google.cloud.compute.v1.IInstanceList;

/** An instance as the API's paths name it. */
export interface InstancePlace {
  zone: string;
  name: string;
}

/** The calls to the Compute API that are made in one project; each asks for the permission named beside it. */
export interface ComputeCalls {
  /** A page of all zones. `compute.instances.list` */
  listAll(page: { token: string | null; size: number }, signal: AbortSignal): Promise<AggregatedPage>;
  /** A page of one zone. `compute.instances.list` */
  listZone(zone: string, page: { token: string | null; size: number }, signal: AbortSignal): Promise<ZonePage>;
  /** `compute.instances.get` */
  get(place: InstancePlace, signal: AbortSignal): Promise<Instance>;
  /** `compute.instances.start` */
  start(place: InstancePlace, requestId: string, signal: AbortSignal): Promise<Operation>;
  /** `compute.instances.stop` */
  stop(place: InstancePlace, requestId: string, discardLocalSsd: boolean, signal: AbortSignal): Promise<Operation>;
  /** `compute.zoneOperations.get` */
  getOperation(zone: string, operation: string, signal: AbortSignal): Promise<Operation>;
}

export function createComputeCalls(runWithSdk: RunWithSdk, source: TokenSource, project: string): ComputeCalls {
  const run = <T>(
    call: string,
    resource: string,
    signal: AbortSignal,
    send: (sdk: ComputeSdk, options: SdkCallOptions) => Promise<T>,
  ): Promise<T> => callGcp({ call, resource }, signal, () => runWithSdk(source, signal, send));
  return {
    listAll: ({ token, size }, signal) =>
      run('compute.instances.list', `projects/${project}`, signal, async ({ instances }, options) => {
        // aggregatedListAsync would hide the warnings and the list of what was out of reach.
        const list = instances.innerApiCalls.aggregatedList as unknown as AggregatedCall;
        const [, , page] = await list({ project, maxResults: size, ...(token !== null && { pageToken: token }) }, options);
        return page;
      }),
    listZone: (zone, { token, size }, signal) =>
      run('compute.instances.list', `projects/${project}/zones/${zone}`, signal, async ({ instances }, options) => {
        const [, , page] = await instances.list({ project, zone, maxResults: size, ...(token !== null && { pageToken: token }) }, options);
        return page;
      }),
    get: ({ zone, name }, signal) =>
      run('compute.instances.get', pathOf(project, { zone, name }), signal, async ({ instances }, options) => {
        const [instance] = await instances.get({ project, zone, instance: name }, options);
        return instance;
      }),
    start: ({ zone, name }, requestId, signal) =>
      run('compute.instances.start', pathOf(project, { zone, name }), signal, async ({ instances }, options) => {
        const [begun] = await instances.start({ project, zone, instance: name, requestId }, options);
        return begun.latestResponse as Operation;
      }),
    stop: ({ zone, name }, requestId, discardLocalSsd, signal) =>
      run('compute.instances.stop', pathOf(project, { zone, name }), signal, async ({ instances }, options) => {
        const request = { project, zone, instance: name, requestId, ...(discardLocalSsd && { discardLocalSsd }) };
        const [begun] = await instances.stop(request, options);
        return begun.latestResponse as Operation;
      }),
    getOperation: (zone, operation, signal) =>
      run('compute.zoneOperations.get', `projects/${project}/zones/${zone}/operations/${operation}`, signal, async ({ operations }, options) => {
        const [found] = await operations.get({ project, zone, operation }, options);
        return found;
      }),
  };
}

type AggregatedCall = (
  request: protos.google.cloud.compute.v1.IAggregatedListInstancesRequest,
  options: SdkCallOptions,
) => Promise<[items: unknown, next: unknown, page: AggregatedPage]>;

function pathOf(project: string, { zone, name }: InstancePlace): string {
  return `projects/${project}/zones/${zone}/instances/${name}`;
}
