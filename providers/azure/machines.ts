import type { VirtualMachine } from '@azure/arm-compute';
import { cloudError } from '../../domain/data-sources/cloud-errors.ts';
import type { CanStop, DiscoveredInstance, InstanceRef, ObservedInstance } from '../../domain/resources/instance.ts';

/** The keys of a handle: what Azure's calls for one machine ask for. */
export interface MachineHandle {
  resourceGroup: string;
  name: string;
}

/** A ref's handle. @throws `azure.rejected` when it was made by another adapter. */
export function handleOf(ref: InstanceRef): MachineHandle {
  const { resourceGroup, name } = ref.handle;
  if (resourceGroup === undefined || name === undefined) {
    throw cloudError('azure', 'rejected', { call: 'none', resource: ref.nativeId, cloudCode: 'NoHandle' });
  }
  return { resourceGroup, name };
}

/** An id as bills and other listings have it: Azure writes the same id in several cases. */
export function nativeIdOf(resourceId: string): string {
  return resourceId.toLowerCase();
}

/** A machine of a listing in the common form. */
export function discovered(machine: VirtualMachine, observed: ObservedInstance, subscriptionId: string): DiscoveredInstance {
  const resourceId = machine.id ?? '';
  const [, resourceGroup, name] = /\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Compute\/virtualMachines\/([^/]+)$/i.exec(resourceId) ?? [];
  if (resourceGroup === undefined || name === undefined) {
    const reply = { call: 'Microsoft.Compute/virtualMachines/read', resource: `subscription ${subscriptionId}` };
    throw cloudError('azure', 'rejected', { ...reply, cloudCode: 'NoMachineId', cloudMessage: 'A listed machine has no id of a known form.' });
  }
  return {
    nativeId: nativeIdOf(resourceId),
    accountId: subscriptionId,
    regionId: machine.location.toLowerCase().replaceAll(' ', ''),
    // A zone's number is of the subscription's own counting.
    zone: machine.zones?.[0] ?? null,
    handle: { resourceGroup, name },
    name: machine.name ?? name,
    instanceType: machine.hardwareProfile?.vmSize ?? 'unknown',
    state: observed.state,
    stateReason: observed.stateReason,
    tags: machine.tags ?? {},
    launchedAt: machine.timeCreated?.toISOString() ?? null,
    canStop: canStop(machine),
    hourlyPrice: null,
  };
}

// L sizes are made for data on their local NVMe disks; elsewhere local disks are named temporary.
const STORAGE_OPTIMISED = /^Standard_L\d/i;

/**
 * Whether a machine comes back from being deallocated. A spot machine does: deallocating it on one's
 * own is no eviction, whatever its eviction policy, and a start may meet no capacity like any other.
 */
function canStop(machine: VirtualMachine): CanStop {
  const scaleSet = machine.virtualMachineScaleSet?.id;
  if (scaleSet !== undefined) {
    return refused('scaling-group', `It belongs to the scale set ${scaleSet.split('/').at(-1)}, which may replace it. Scale the set instead.`);
  }
  if (machine.storageProfile?.osDisk?.diffDiskSettings?.option === 'Local') {
    return refused('instance-store-root', 'Its operating system lies on an ephemeral disk: Azure cannot deallocate it.');
  }
  const size = machine.hardwareProfile?.vmSize ?? '';
  if (STORAGE_OPTIMISED.test(size)) return refused('local-ssd', `The local NVMe disks of ${size} are emptied when it is deallocated.`);
  return { allowed: true };
}

function refused(reason: Exclude<CanStop, { allowed: true }>['reason'], detail: string): CanStop {
  return { allowed: false, reason, detail };
}
