import type { ComputeManagementClient, VirtualMachine } from '@azure/arm-compute';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import { AZURE_ACTIONS } from '../../domain/data-sources/azure-permissions.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { ObservedInstance } from '../../domain/resources/instance.ts';
import type { AzureClients } from './clients.ts';
import { callAzure, type AzureCall } from './errors.ts';
import { nativeIdOf, type MachineHandle } from './machines.ts';
import { stateOf } from './states.ts';

/** Requests for single machines that run beside each other. */
export const CONCURRENCY = 10;

const GONE: ObservedInstance = { state: 'terminated', stateReason: null };

/** The machines of the subscription, page by page; with `statusOnly` their states instead of their models. */
export async function* listMachines(clients: AzureClients, signal: AbortSignal, statusOnly = false): AsyncGenerator<VirtualMachine[]> {
  const call: AzureCall = { call: AZURE_ACTIONS.read, resource: `subscription ${clients.subscriptionId}` };
  const client = await callAzure(call, signal, () => clients.compute(signal));
  const pages = client.virtualMachines.listAll(statusOnly ? { statusOnly: 'true' } : {}).byPage();
  for (;;) {
    const page = await callAzure(call, signal, () => pages.next());
    if (page.done === true) return;
    yield page.value;
  }
}

/** The state of every machine of the subscription by native id, in few calls. Machines that tell none are left out. */
export async function listStates(clients: AzureClients, signal: AbortSignal): Promise<Map<string, ObservedInstance>> {
  const states = new Map<string, ObservedInstance>();
  for await (const page of listMachines(clients, signal, true)) {
    for (const { id, instanceView } of page) {
      const state = stateOf(instanceView);
      if (id !== undefined && state !== null) states.set(nativeIdOf(id), state);
    }
  }
  return states;
}

/** The state of one machine; `terminated` when Azure does not know it, `unknown` when Azure does not say. */
export async function readState(
  clients: AzureClients,
  { nativeId, handle }: { nativeId: string; handle: MachineHandle },
  signal: AbortSignal,
): Promise<ObservedInstance> {
  const call: AzureCall = { call: AZURE_ACTIONS.read, resource: nativeId };
  const read = (client: ComputeManagementClient) =>
    client.virtualMachines.get(handle.resourceGroup, handle.name, { expand: 'instanceView' });
  try {
    const machine = await callAzure(call, signal, async () => read(await clients.compute(signal)));
    return stateOf(machine.instanceView) ?? { state: 'unknown', stateReason: null };
  } catch (error) {
    if (isGone(error)) return GONE;
    throw error;
  }
}

/** The machine or its group is not there. An unknown subscription says nothing about its machines. */
function isGone(error: unknown): boolean {
  return error instanceof DomainError && problemOf(error) === 'not-found' && !/subscription/i.test(String(error.details.cloud_code));
}
