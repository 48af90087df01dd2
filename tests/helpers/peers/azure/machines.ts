import type { InstanceViewStatus, VirtualMachine } from '@azure/arm-compute';
import { randomUUID } from 'node:crypto';

/** What a machine is made as. */
export interface MachineOptions {
  name: string;
  resourceGroup: string;
  power: 'running' | 'stopped' | 'deallocated';
  location?: string;
  zone?: string;
  size?: string;
  tags?: Record<string, string>;
  spotEviction?: 'Deallocate' | 'Delete';
  /** Name of a flexible scale set. */
  scaleSet?: string;
  hasEphemeralDisk?: boolean;
  hasReadOnlyLock?: boolean;
  /** Missing where only states are listed, as Azure does with new machines. */
  isLeftOutOfStates?: boolean;
}

export interface Refusal {
  status: number;
  code: string;
  message: string;
  headers?: Record<string, string>;
}

/** What the next call of an action meets. */
export type Fault =
  | { kind: 'refused'; refusal: Refusal }
  /** Done, and the connection breaks before the answer. */
  | { kind: 'answer-lost' }
  /** Accepted; the operation ends so and the machine is what it was. */
  | { kind: 'fails'; code: string; message: string }
  /** Accepted; the operation never ends. */
  | { kind: 'hangs' };

export type Action = 'start' | 'deallocate';

export interface Operation {
  id: string;
  startedAt: number;
  endsAt: number;
  status: 'InProgress' | 'Succeeded' | 'Failed';
  error: { code: string; message: string } | null;
}

export interface Machine extends MachineOptions {
  location: string;
  /** As Azure writes it. */
  id: string;
  createdAt: number;
  /** Under way; the power state shows it. */
  changing: { action: Action; operation: Operation } | null;
  lastError: { code: string; message: string } | null;
  faults: Partial<Record<Action, Fault>>;
}

export interface Machines {
  /** By resource id in lower case. */
  all: Map<string, Machine>;
  operations: Map<string, Operation>;
  /** What took effect or is about to, in order. */
  effective: { action: Action; id: string }[];
  make(options: MachineOptions): Machine;
  /** Takes an action up. @returns the operation; a refusal when the machine is changing already. */
  begin(machine: Machine, action: Action, fault: Fault | null): Operation | Refusal;
  /** Applies what has come to its end by now. */
  settle(): void;
}

/** The machines of one subscription. Changes take `operationMs` of the given clock. */
export function createMachines(subscription: string, clock: { now(): number; operationMs: number }): Machines {
  const all = new Map<string, Machine>();
  const operations = new Map<string, Operation>();
  const effective: { action: Action; id: string }[] = [];
  const settle = (): void => {
    for (const machine of all.values()) settleMachine(machine, clock.now());
  };
  const begin = (machine: Machine, action: Action, fault: Fault | null): Operation | Refusal => {
    if (machine.changing !== null) return concurrent(machine);
    const isThere = machine.power === (action === 'start' ? 'running' : 'deallocated');
    const now = clock.now();
    const endsAt = isThere ? now : fault?.kind === 'hangs' ? Infinity : now + clock.operationMs;
    const error = fault?.kind === 'fails' ? { code: fault.code, message: fault.message } : null;
    const operation: Operation = { id: randomUUID(), startedAt: now, endsAt, status: isThere ? 'Succeeded' : 'InProgress', error };
    operations.set(operation.id, operation);
    if (isThere) return operation;
    machine.changing = { action, operation };
    // One that will fall back takes no effect.
    if (error === null) effective.push({ action, id: machine.id.toLowerCase() });
    return operation;
  };
  return { all, operations, effective, settle, begin, make: (options) => makeMachine(all, subscription, clock.now(), options) };
}

function makeMachine(all: Map<string, Machine>, subscription: string, now: number, options: MachineOptions): Machine {
  const id = `/subscriptions/${subscription}/resourceGroups/${options.resourceGroup}/providers/Microsoft.Compute/virtualMachines/${options.name}`;
  const machine: Machine = { location: 'westeurope', ...options, id, createdAt: now, changing: null, lastError: null, faults: {} };
  all.set(id.toLowerCase(), machine);
  return machine;
}

function settleMachine(machine: Machine, now: number): void {
  const { changing } = machine;
  if (changing === null || now < changing.operation.endsAt) return;
  const { operation, action } = changing;
  operation.status = operation.error === null ? 'Succeeded' : 'Failed';
  if (operation.error === null) machine.power = action === 'start' ? 'running' : 'deallocated';
  machine.lastError = operation.error;
  machine.changing = null;
}

function concurrent(machine: Machine): Refusal {
  return {
    status: 409,
    code: 'Conflict',
    message: `The request failed due to conflict with a concurrent request on ${machine.name}. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.`,
  };
}

/** The machine as Azure's listings have it, with its state when that is asked for. */
export function wireOf(machine: Machine, show: { model: boolean; state: boolean }): object {
  const shown: VirtualMachine = {
    ...(show.model ? modelOf(machine) : { id: machine.id, name: machine.name, type: TYPE, location: machine.location }),
    ...(show.state && { instanceView: { statuses: statusesOf(machine) } }),
  };
  // On the wire all but these lies below `properties`.
  const { id, name, type, location, tags, zones, ...properties } = shown;
  return { id, name, type, location, ...(tags !== undefined && { tags }), ...(zones !== undefined && { zones }), properties };
}

const TYPE = 'Microsoft.Compute/virtualMachines';

function modelOf(machine: Machine): VirtualMachine {
  const { id, name, location, tags, zone, size, spotEviction, scaleSet, hasEphemeralDisk } = machine;
  const scaleSetId = id.replace(/virtualMachines\/[^/]+$/, `virtualMachineScaleSets/${scaleSet}`);
  return {
    id,
    name,
    type: TYPE,
    location,
    ...(tags !== undefined && { tags }),
    ...(zone !== undefined && { zones: [zone] }),
    hardwareProfile: { vmSize: size ?? 'Standard_D2s_v5' },
    storageProfile: {
      osDisk: { createOption: 'FromImage', osType: 'Linux', ...(hasEphemeralDisk === true && { diffDiskSettings: { option: 'Local' } }) },
    },
    ...(spotEviction !== undefined && { priority: 'Spot', evictionPolicy: spotEviction }),
    ...(scaleSet !== undefined && { virtualMachineScaleSet: { id: scaleSetId } }),
    provisioningState: machine.lastError === null ? 'Succeeded' : 'Failed',
    timeCreated: new Date(machine.createdAt),
  };
}

function statusesOf(machine: Machine): InstanceViewStatus[] {
  const { changing, lastError, power } = machine;
  const shown = changing === null ? power : changing.action === 'start' ? 'starting' : 'deallocating';
  const state: InstanceViewStatus = { code: `PowerState/${shown}`, level: 'Info', displayStatus: `VM ${shown}` };
  if (lastError !== null) {
    const code = `ProvisioningState/failed/${lastError.code}`;
    return [{ code, level: 'Error', displayStatus: 'Provisioning failed', message: lastError.message, time: new Date(machine.createdAt) }, state];
  }
  const provisioning = changing === null ? 'succeeded' : 'updating';
  return [{ code: `ProvisioningState/${provisioning}`, level: 'Info', displayStatus: `Provisioning ${provisioning}` }, state];
}
