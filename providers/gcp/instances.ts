import type { DiscoveryStep, InstanceCatalog } from '../../domain/data-sources/cloud-ports.ts';
import type { CanStop, DiscoveredInstance, InstanceState, ObservedInstance } from '../../domain/resources/instance.ts';
import type { DomainError } from '../../domain/shared/errors.ts';
import { toInstant } from '../../domain/shared/time.ts';
import type { AggregatedPage, ComputeCalls, Instance } from './compute.ts';
import { operationError } from './errors.ts';

/** https://cloud.google.com/compute/docs/instances/instance-lifecycle */
const STATES: Record<string, InstanceState> = {
  PENDING: 'starting',
  PROVISIONING: 'starting',
  STAGING: 'starting',
  RUNNING: 'running',
  PENDING_STOP: 'stopping',
  STOPPING: 'stopping',
  SUSPENDING: 'stopping',
  DEPROVISIONING: 'stopping',
  SUSPENDED: 'suspended',
  STOPPED: 'stopped',
  TERMINATED: 'stopped',
};

/** Who made an instance, as a managed instance group writes it into each of its members. */
const CREATED_BY = 'created-by';
const GROUP = /\/instanceGroupManagers\/([^/]+)$/;

/**
 * Lists a project's instances through the aggregated list. A scope is a zone. Each page names every
 * zone of the project, those without instances too, and a zone comes whole or with a warning; so
 * once the last page is read, every zone that was named without one is listed to its end, and an
 * emptied zone's last instance counts as gone. A zone that no page named is no scope of this listing.
 * https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList
 */
export function createInstanceCatalog(calls: ComputeCalls, project: string, pageSize: number): InstanceCatalog {
  return { discover: (signal) => discover(calls, project, pageSize, signal) };
}

async function* discover(calls: ComputeCalls, project: string, size: number, signal: AbortSignal): AsyncGenerator<DiscoveryStep> {
  const zones = new Map<string, DomainError | null>();
  let token: string | null = null;
  do {
    const page: AggregatedPage = await calls.listAll({ token, size }, signal);
    for (const [scope, { instances }] of zonesOf(page)) {
      if (!zones.has(scope)) zones.set(scope, null);
      const found = (instances ?? []).map((instance) => toDiscovered(instance, project, scope));
      if (found.length > 0) yield { kind: 'instances', scope, instances: found };
    }
    for (const [scope, error] of failuresOf(page, project, [...zones.keys()])) zones.set(scope, error);
    token = page.nextPageToken === '' ? null : (page.nextPageToken ?? null);
  } while (token !== null);
  for (const [scope, error] of zones) yield error === null ? { kind: 'listed', scope } : { kind: 'failed', scope, error };
}

type ScopedList = NonNullable<AggregatedPage['items']>[string];
type Warning = NonNullable<ScopedList['warning']>;

/** Items are keyed `zones/europe-west4-a`. */
function zonesOf({ items }: AggregatedPage): [zone: string, list: ScopedList][] {
  return Object.entries(items ?? {}).flatMap(([key, list]) => (key.startsWith('zones/') ? [[key.slice('zones/'.length), list]] : []));
}

/**
 * Zones that a page could not tell whole: by a warning of their own, by the page's list of what was
 * out of reach, or by a warning of the whole page, which spares no zone unless it names some.
 */
function failuresOf(page: AggregatedPage, project: string, known: readonly string[]): Map<string, DomainError> {
  const failures = new Map<string, DomainError>();
  for (const [zone, { warning }] of zonesOf(page)) {
    if (isTrouble(warning)) failures.set(zone, zoneError(project, zone, warning));
  }
  for (const place of page.unreachables ?? []) {
    for (const zone of zonesIn(place, known)) if (!failures.has(zone)) failures.set(zone, zoneError(project, zone, { code: 'UNREACHABLE' }));
  }
  const { warning } = page;
  if (isTrouble(warning)) {
    const places = (warning.data ?? []).flatMap(({ key, value }) => (key === 'scope' && typeof value === 'string' ? [value] : []));
    const zones = places.length === 0 ? known : places.flatMap((place) => zonesIn(place, known));
    for (const zone of zones) if (!failures.has(zone)) failures.set(zone, zoneError(project, zone, warning));
  }
  return failures;
}

function isTrouble(warning: Warning | null | undefined): warning is Warning {
  return typeof warning?.code === 'string' && warning.code !== '' && warning.code !== 'NO_RESULTS_ON_PAGE';
}

/** The zones a place means: itself, those of a region, or, of a place of another form, all that are known. */
function zonesIn(place: string, known: readonly string[]): readonly string[] {
  const zone = /(?:^|\/)zones\/([^/]+)$/.exec(place)?.[1];
  if (zone !== undefined) return [zone];
  const region = /(?:^|\/)regions\/([^/]+)$/.exec(place)?.[1];
  return region === undefined ? known : known.filter((one) => regionOf(one) === region);
}

function zoneError(project: string, zone: string, { code, message }: Warning): DomainError {
  const call = { call: 'compute.instances.list', resource: `projects/${project}/zones/${zone}` };
  return operationError(call, { code: code ?? null, message: message ?? undefined, httpStatus: 503 });
}

/** `europe-west4` of `europe-west4-a`. */
export function regionOf(zone: string): string {
  return zone.slice(0, zone.lastIndexOf('-'));
}

/**
 * The name by which bills know an instance, with its number instead of its name, which another may
 * take after it. Bills write the project's number where this has its id; their rows tell both.
 */
export function nativeIdOf(project: string, zone: string, id: string): string {
  return `//compute.googleapis.com/projects/${project}/zones/${zone}/instances/${id}`;
}

/** The number at the end of a native id. */
export function numberOf(nativeId: string): string {
  return nativeId.slice(nativeId.lastIndexOf('/') + 1);
}

function toDiscovered(instance: Instance, project: string, zone: string): DiscoveredInstance {
  const name = instance.name ?? '';
  const launched = presentOf(instance.lastStartTimestamp) ?? presentOf(instance.creationTimestamp);
  return {
    nativeId: nativeIdOf(project, zone, String(instance.id)),
    accountId: project,
    regionId: regionOf(zone),
    zone,
    handle: { zone, name },
    name,
    instanceType: lastSegment(instance.machineType ?? ''),
    ...toObserved(instance),
    tags: { ...instance.labels },
    launchedAt: launched === null ? null : toInstant(launched),
    canStop: canStop(instance),
    hourlyPrice: null,
  };
}

/** A repair or a state that is new to us is unknown, and named. */
export function toObserved({ status, statusMessage }: Instance): ObservedInstance {
  const state = STATES[status ?? ''] ?? 'unknown';
  return { state, stateReason: presentOf(statusMessage) ?? (state === 'unknown' ? presentOf(status) : null) };
}

/**
 * Spot and preemptible instances stop and start like others by their owner's hand: what their
 * termination action says, stop or delete, is done when Google preempts them. Deletion protection
 * keeps nobody from stopping.
 */
function canStop({ disks, metadata }: Instance): CanStop {
  const maker = (metadata?.items ?? []).find(({ key }) => key === CREATED_BY)?.value ?? '';
  const group = GROUP.exec(maker)?.[1];
  if (group !== undefined) {
    return { allowed: false, reason: 'scaling-group', detail: `Managed instance group ${group} would repair it by starting or replacing it.` };
  }
  const scratch = (disks ?? []).filter(({ type }) => type === 'SCRATCH').length;
  if (scratch > 0) {
    return { allowed: false, reason: 'local-ssd', detail: `It has ${scratch} local SSD${scratch === 1 ? '' : 's'}, which a stop empties.` };
  }
  return { allowed: true };
}

function lastSegment(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

function presentOf(value: string | null | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
