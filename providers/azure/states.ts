import type { InstanceViewStatus, VirtualMachineInstanceView } from '@azure/arm-compute';
import type { InstanceState, ObservedInstance } from '../../domain/resources/instance.ts';
import { safeSentence } from './wire.ts';

/**
 * Azure's power states. A `stopped` machine keeps its host and is charged like a running one; only
 * a deallocated one is off. https://learn.microsoft.com/azure/virtual-machines/states-billing
 */
const POWER_STATES: Record<string, InstanceState> = {
  starting: 'starting',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped-billed',
  deallocating: 'stopping',
  deallocated: 'stopped',
};

/** What the statuses of a machine say; null when they tell no power state. */
export function stateOf(view: VirtualMachineInstanceView | undefined): ObservedInstance | null {
  const statuses = view?.statuses ?? [];
  const power = tailOf(statuses, 'PowerState');
  const provisioning = tailOf(statuses, 'ProvisioningState');
  // A machine that is going or coming shows its former power state or none.
  if (provisioning === 'deleting') return { state: 'stopping', stateReason: 'ProvisioningState/deleting' };
  if (power === null) return provisioning === 'creating' ? { state: 'starting', stateReason: 'ProvisioningState/creating' } : null;
  return { state: POWER_STATES[power] ?? 'unknown', stateReason: failureIn(statuses) ?? hibernationIn(statuses) };
}

/** `running` of `PowerState/running`. */
function tailOf(statuses: readonly InstanceViewStatus[], kind: string): string | null {
  const code = statuses.find((status) => status.code?.startsWith(`${kind}/`) === true)?.code;
  return code?.split('/')[1]?.toLowerCase() ?? null;
}

/** `AllocationFailed: …` of a status such as `ProvisioningState/failed/AllocationFailed`. */
function failureIn(statuses: readonly InstanceViewStatus[]): string | null {
  const failed = statuses.find(({ code }) => code?.toLowerCase().startsWith('provisioningstate/failed') === true);
  if (failed === undefined) return null;
  const code = failed.code?.split('/')[2] ?? failed.code ?? '';
  const message = safeSentence(failed.message ?? '');
  return message === '' ? code : `${code}: ${message}`;
}

function hibernationIn(statuses: readonly InstanceViewStatus[]): string | null {
  return statuses.find(({ code }) => code === 'HibernationState/Hibernated')?.code ?? null;
}
