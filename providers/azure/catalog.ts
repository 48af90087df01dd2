import type { VirtualMachine } from '@azure/arm-compute';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { DiscoveryStep, InstanceCatalog } from '../../domain/data-sources/cloud-ports.ts';
import type { DiscoveredInstance, ObservedInstance } from '../../domain/resources/instance.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { AzureClients } from './clients.ts';
import { concurrently } from './concurrently.ts';
import { CONCURRENCY, listMachines, listStates, readState } from './listing.ts';
import { discovered, handleOf } from './machines.ts';

/** Azure lists a subscription in one go. */
const SCOPE = 'subscription';

/**
 * Machines of a subscription, those of flexible scale sets among them; what uniform scale sets run
 * are no machines to Azure. Power states come from a listing of their own, read first.
 */
export function createAzureCatalog(clients: AzureClients): InstanceCatalog {
  return {
    discover: async function* (signal): AsyncGenerator<DiscoveryStep> {
      try {
        const states = await listStates(clients, signal);
        for await (const page of listMachines(clients, signal)) {
          yield { kind: 'instances', scope: SCOPE, instances: await withStates(clients, page, states, signal) };
        }
      } catch (error) {
        if (!(error instanceof DomainError) || isOfTheAccount(error)) throw error;
        yield { kind: 'failed', scope: SCOPE, error };
        return;
      }
      yield { kind: 'listed', scope: SCOPE };
    },
  };
}

/** Nothing of the account can be read until somebody changes the connection. */
function isOfTheAccount(error: DomainError): boolean {
  return ['bad-credentials', 'account-disabled', 'not-found'].includes(problemOf(error) ?? '');
}

const UNTOLD: ObservedInstance = { state: 'unknown', stateReason: null };

async function withStates(
  clients: AzureClients,
  page: readonly VirtualMachine[],
  states: ReadonlyMap<string, ObservedInstance>,
  signal: AbortSignal,
): Promise<DiscoveredInstance[]> {
  return concurrently(page, CONCURRENCY, async (machine) => {
    const found = discovered(machine, UNTOLD, clients.subscriptionId);
    // New since the states were listed, or left out there.
    const observed = states.get(found.nativeId) ?? (await readState(clients, { nativeId: found.nativeId, handle: handleOf({ ...found, discardLocalSsd: false }) }, signal));
    return { ...found, ...observed };
  });
}
