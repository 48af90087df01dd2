import { AZURE_ACTIONS } from '../../domain/data-sources/azure-permissions.ts';
import type { OperationState, PowerCall, PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { AzureClients } from './clients.ts';
import { concurrently } from './concurrently.ts';
import { callAzure } from './errors.ts';
import { CONCURRENCY, listStates, readState } from './listing.ts';
import { handleOf, nativeIdOf } from './machines.ts';
import { beginOperation, pollOperation, type PowerAction } from './operations.ts';

/** Up to so many machines are asked one by one; for more, listing the subscription's states is less. */
const ASKED_ALONE = 10;

/**
 * Power of a subscription's machines. Azure knows neither batches nor request ids: a call is for one
 * machine, and a repeat meets the machine's own state (nothing happens, or 409 while it changes).
 */
export function createAzurePower(clients: AzureClients): PowerControl {
  return {
    batchSize: 1,
    // Resource Manager refills ten writes a second for a subscription and principal.
    concurrency: CONCURRENCY,
    observe: (refs, signal) => observe(clients, refs, signal),
    start: (refs, _requestKey, signal) => begin(clients, 'start', refs, signal),
    stop: (refs, _requestKey, signal) => begin(clients, 'deallocate', refs, signal),
    followOperation: (ref, operation, signal) => follow(clients, ref, operation, signal),
  };
}

async function observe(clients: AzureClients, refs: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  signal.throwIfAborted();
  const listed = refs.length > ASKED_ALONE ? await listStates(clients, signal) : new Map<string, ObservedInstance>();
  const failures: DomainError[] = [];
  const answers = await concurrently(refs, CONCURRENCY, async (ref): Promise<[string, ObservedInstance]> => {
    const known = listed.get(nativeIdOf(ref.nativeId));
    if (known !== undefined) return [ref.nativeId, known];
    try {
      return [ref.nativeId, await readState(clients, { nativeId: ref.nativeId, handle: handleOf(ref) }, signal)];
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      failures.push(error);
      return [ref.nativeId, { state: 'unknown', stateReason: error.message }];
    }
  });
  const [first] = failures;
  if (first !== undefined && failures.length === refs.length) throw first;
  return new Map(answers);
}

async function begin(
  clients: AzureClients,
  action: PowerAction,
  refs: readonly InstanceRef[],
  signal: AbortSignal,
): Promise<Map<string, PowerCall>> {
  signal.throwIfAborted();
  const answers = await concurrently(refs, CONCURRENCY, async (ref): Promise<[string, PowerCall]> => {
    try {
      const call = { call: AZURE_ACTIONS[action], resource: ref.nativeId };
      const operation = await callAzure(call, signal, () => beginOperation(clients, action, handleOf(ref), signal));
      return [ref.nativeId, { accepted: true, state: null, operation }];
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return [ref.nativeId, { accepted: false, error }];
    }
  });
  return new Map(answers);
}

async function follow(clients: AzureClients, ref: InstanceRef, operation: string, signal: AbortSignal): Promise<OperationState> {
  const call = { call: AZURE_ACTIONS.followOperation, resource: ref.nativeId };
  return callAzure(call, signal, () => pollOperation(clients, ref.nativeId, operation, signal));
}
