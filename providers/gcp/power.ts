import { createHash } from 'node:crypto';
import type { OperationState, PowerCall, PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import { cloudError, problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { InstanceRef, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { ComputeCalls, InstancePlace, Operation } from './compute.ts';
import { operationError, type GcpCall } from './errors.ts';
import { numberOf, toObserved } from './instances.ts';

/** From how many instances of a zone on its list is asked for instead of each of them. */
const LIST_FROM = 4;

const LOOKS_AT_ONCE = 10;

type Action = 'start' | 'stop';

/** The project whose instances are meant, and how it is called. */
export interface ProjectAccess {
  calls: ComputeCalls;
  id: string;
  /** Instances in a page of a listing. */
  pageSize: number;
}

/** Starts and stops instances of one project, one a call. */
export function createPowerControl(project: ProjectAccess): PowerControl {
  return {
    batchSize: 1,
    // At half a second a call, below the 1,500 a minute that Google takes of a project by default.
    concurrency: 10,
    observe: (refs, signal) => observe(project, refs, signal),
    start: (refs, requestKey, signal) => changeAll(project, { action: 'start', requestKey }, refs, signal),
    stop: (refs, requestKey, signal) => changeAll(project, { action: 'stop', requestKey }, refs, signal),
    followOperation: (ref, operation, signal) => follow(project, ref, operation, signal),
  };
}

interface Wish {
  action: Action;
  requestKey: string;
}

async function changeAll(project: ProjectAccess, wish: Wish, refs: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, PowerCall>> {
  const answers = refs.map(async (ref): Promise<[string, PowerCall]> => [ref.nativeId, await change(project, wish, ref, signal)]);
  return new Map(await Promise.all(answers));
}

/**
 * Every refusal is the instance's own, as every call is. A repeat with the same key is answered with the
 * operation that the first began, also when that one has failed since.
 */
async function change(project: ProjectAccess, { action, requestKey }: Wish, ref: InstanceRef, signal: AbortSignal): Promise<PowerCall> {
  try {
    const requestId = requestIdOf(`${requestKey}\n${action}\n${ref.nativeId}`);
    const begun = await send(project.calls, action, ref, requestId, signal);
    const error = errorOf(callOf(project, action, ref), begun);
    return error === null ? { accepted: true, state: null, operation: presentOf(begun.name) } : { accepted: false, error };
  } catch (error) {
    if (signal.aborted || !(error instanceof DomainError)) throw error;
    return { accepted: false, error: action === 'start' ? await explainSuspended(project.calls, ref, error, signal) : error };
  }
}

function send(calls: ComputeCalls, action: Action, ref: InstanceRef, requestId: string, signal: AbortSignal): Promise<Operation> {
  return action === 'start'
    ? calls.start(placeOf(ref), requestId, signal)
    : calls.stop(placeOf(ref), requestId, ref.discardLocalSsd, signal);
}

/** Names us among the makers of name-based UUIDs. Random once, fixed for good. */
const NAMESPACE = Buffer.from('6b0b1f0a5d0f4b64a8a1b0f3a2c94e17', 'hex');

/** The name-based UUID (version 5, RFC 9562) of a wish: Google takes request ids in this form only. */
export function requestIdOf(text: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A suspended instance can be resumed, not started, which Google's own refusal leaves to be guessed. */
async function explainSuspended(calls: ComputeCalls, ref: InstanceRef, refusal: DomainError, signal: AbortSignal): Promise<DomainError> {
  const problem = problemOf(refusal);
  if (problem !== 'rejected' && problem !== 'wrong-state') return refusal;
  try {
    const { status } = await calls.get(placeOf(ref), signal);
    if (status !== 'SUSPENDED' && status !== 'SUSPENDING') return refusal;
    const { call, resource, cloud_code: cloudCode, http_status: httpStatus } = refusal.details as Record<string, string> & { http_status: number };
    const cloudMessage = 'The instance is suspended, and Google starts only what is stopped. Resume it there, or stop it first.';
    return cloudError('gcp', 'wrong-state', { call: call ?? '', resource: resource ?? '', cloudCode: cloudCode ?? '', cloudMessage, httpStatus });
  } catch (error) {
    if (signal.aborted || !(error instanceof DomainError)) throw error;
    // The look was for a better explanation only: the refusal stands.
    return refusal;
  }
}

async function follow(project: ProjectAccess, ref: InstanceRef, name: string, signal: AbortSignal): Promise<OperationState> {
  try {
    const operation = await project.calls.getOperation(placeOf(ref).zone, name, signal);
    if (operation.status !== 'DONE') return { done: false };
    const action: Action = operation.operationType === 'stop' ? 'stop' : 'start';
    return { done: true, error: errorOf(callOf(project, action, ref), operation) };
  } catch (error) {
    if (error instanceof DomainError && problemOf(error) === 'not-found') return { done: true, error: null };
    throw error;
  }
}

/** The first error of an operation that ended; null of one that goes on or went well. */
function errorOf(call: GcpCall, { status, error, httpErrorStatusCode, httpErrorMessage }: Operation): DomainError | null {
  if (status !== 'DONE' || error === null || error === undefined) return null;
  const [first] = error.errors ?? [];
  return operationError(call, {
    code: presentOf(first?.code),
    message: presentOf(first?.message) ?? presentOf(httpErrorMessage) ?? undefined,
    httpStatus: httpErrorStatusCode ?? undefined,
  });
}

/**
 * What the instances are. Several of one zone are read from its list, where five hundred come in a
 * call. An instance of the same name with another number has taken the place of one that is gone.
 */
async function observe(project: ProjectAccess, refs: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  const looks = [...Map.groupBy(refs, (ref) => placeOf(ref).zone)].flatMap(([zone, ofZone]) =>
    ofZone.length < LIST_FROM
      ? ofZone.map((ref) => ({ refs: [ref], look: async () => [await observeOne(project.calls, ref, signal)] }))
      : [{ refs: ofZone, look: () => observeZone(project, zone, ofZone, signal) }],
  );
  const seen: [string, ObservedInstance][] = [];
  const errors: DomainError[] = [];
  for (let next = 0; next < looks.length; next += LOOKS_AT_ONCE) {
    const answers = looks.slice(next, next + LOOKS_AT_ONCE).map(async ({ refs: looked, look }) => {
      try {
        seen.push(...(await look()));
      } catch (error) {
        if (signal.aborted || !(error instanceof DomainError)) throw error;
        errors.push(error);
        seen.push(...looked.map(({ nativeId }): [string, ObservedInstance] => [nativeId, { state: 'unknown', stateReason: error.message }]));
      }
    });
    await Promise.all(answers);
  }
  const [first] = errors;
  if (first !== undefined && errors.length === looks.length) throw first;
  return new Map(seen);
}

const GONE: ObservedInstance = { state: 'terminated', stateReason: null };

async function observeOne(calls: ComputeCalls, ref: InstanceRef, signal: AbortSignal): Promise<[string, ObservedInstance]> {
  try {
    const instance = await calls.get(placeOf(ref), signal);
    return [ref.nativeId, String(instance.id) === numberOf(ref.nativeId) ? toObserved(instance) : GONE];
  } catch (error) {
    if (error instanceof DomainError && problemOf(error) === 'not-found') return [ref.nativeId, GONE];
    throw error;
  }
}

/** Pages are read while they promise to be fewer than the looks they spare; what is missing then is looked at by itself. */
async function observeZone(
  { calls, pageSize }: ProjectAccess,
  zone: string,
  refs: readonly InstanceRef[],
  signal: AbortSignal,
): Promise<[string, ObservedInstance][]> {
  const missing = new Map(refs.map((ref) => [numberOf(ref.nativeId), ref]));
  const seen: [string, ObservedInstance][] = [];
  let token: string | null = null;
  let pages = 0;
  do {
    const page = await calls.listZone(zone, { token, size: pageSize }, signal);
    for (const instance of page.items ?? []) {
      const ref = missing.get(String(instance.id));
      if (ref !== undefined) seen.push([ref.nativeId, toObserved(instance)]);
      missing.delete(String(instance.id));
    }
    token = presentOf(page.nextPageToken);
    pages += 1;
  } while (token !== null && missing.size > pages);
  const isWhole = token === null;
  const rest = [...missing.values()].map(async (ref): Promise<[string, ObservedInstance]> =>
    isWhole ? [ref.nativeId, GONE] : await observeOne(calls, ref, signal),
  );
  return [...seen, ...(await Promise.all(rest))];
}

function callOf({ id }: ProjectAccess, action: Action, ref: InstanceRef): GcpCall {
  const { zone, name } = placeOf(ref);
  return { call: `compute.instances.${action}`, resource: `projects/${id}/zones/${zone}/instances/${name}` };
}

/** Discovery wrote the handle: without it there is nothing to call. */
function placeOf({ nativeId, handle: { zone, name } }: InstanceRef): InstancePlace {
  if (zone === undefined || name === undefined) throw new Error(`${nativeId} has no zone and name in its handle.`);
  return { zone, name };
}

function presentOf(value: string | null | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
