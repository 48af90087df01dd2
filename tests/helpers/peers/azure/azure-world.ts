import { azurePermissionText } from '../../../../domain/data-sources/azure-permissions.ts';
import type { AzureClientSecret } from '../../../../domain/data-sources/cloud-credentials.ts';
import type { InstanceRef } from '../../../../domain/resources/instance.ts';
import { createAzureProvider } from '../../../../providers/azure/provider.ts';
import type { AzureSettings } from '../../../../providers/azure/settings.ts';
import type { ContractInstanceKind, ContractOutcome, ContractWorld } from '../../cloud-contract.ts';
import type { Application } from './entra.ts';
import type { Action, Fault, MachineOptions } from './machines.ts';
import { startAzureStandIn, type AzureStandIn } from './stand-in.ts';

const GROUP = 'Acme-RG';
const PAGE_SIZE = 20;

/** Settings that reach a stand-in. */
export function azureSettings(standIn: AzureStandIn): AzureSettings {
  return {
    endpoints: { resourceManager: standIn.url, authority: standIn.url },
    certificateAuthority: standIn.authority,
    requestTimeoutMs: 10_000,
  };
}

/** An application's credentials as people give them. */
export function credentialsOf(standIn: AzureStandIn, application: Application): AzureClientSecret {
  return { kind: 'client-secret', tenant_id: standIn.entra.tenantId, client_id: application.clientId, client_secret: application.clientSecret };
}

/** The ref of a machine that discovery would make. */
export function refTo(standIn: AzureStandIn, options: MachineOptions): InstanceRef {
  const machine = standIn.machines.make(options);
  const handle = { resourceGroup: machine.resourceGroup, name: machine.name };
  return { nativeId: machine.id.toLowerCase(), regionId: machine.location, handle, discardLocalSsd: false };
}

const KINDS: Record<Exclude<ContractInstanceKind, 'one-time-spot'>, Partial<MachineOptions>> = {
  plain: {},
  'scaling-group': { scaleSet: 'workers' },
  'instance-store-root': { hasEphemeralDisk: true },
  'local-ssd': { size: 'Standard_L8s_v3' },
  'stop-protection': { hasReadOnlyLock: true },
};

const FAULTS: Record<ContractOutcome, { action: Action; fault: Fault }> = {
  'no-capacity': {
    action: 'start',
    fault: { kind: 'fails', code: 'AllocationFailed', message: 'Allocation failed. We do not have sufficient capacity for the requested VM size in this region.' },
  },
  'quota-exceeded': refusedBy(409, 'OperationNotAllowed', 'Operation could not be completed as it results in exceeding approved Total Regional Cores quota.'),
  throttled: refusedBy(429, 'OperationNotAllowed', 'The server rejected the request because too many requests have been received for this subscription.', { 'retry-after': '17' }),
  unavailable: refusedBy(503, 'ServiceUnavailable', 'The service is unavailable now.'),
  'answer-lost': { action: 'start', fault: { kind: 'answer-lost' } },
  'operation-fails': {
    action: 'start',
    fault: { kind: 'fails', code: 'ZonalAllocationFailed', message: 'Allocation failed. We do not have sufficient capacity for the requested VM size in this zone.' },
  },
  'stuck-stopping': { action: 'deallocate', fault: { kind: 'hangs' } },
};

function refusedBy(status: number, code: string, message: string, headers?: Record<string, string>): { action: Action; fault: Fault } {
  return { action: 'start', fault: { kind: 'refused', refusal: { status, code, message, ...(headers !== undefined && { headers }) } } };
}

/** The contract's world on the stand-in. Its time goes on only when a test lets it. */
export async function makeAzureWorld(): Promise<ContractWorld> {
  const clock = { at: Date.parse('2026-11-21T07:00:00Z') };
  const standIn = await startAzureStandIn({ pageSize: PAGE_SIZE, now: () => clock.at, operationMs: 3_000 });
  const { id } = standIn.subscription;
  const permissionText = azurePermissionText(id);
  const credentials = credentialsOf(standIn, standIn.entra.makeApplication(permissionText.document.Actions));
  return {
    cloud: 'azure',
    provider: createAzureProvider(azureSettings(standIn)),
    // People write it as the portal shows it or in capitals.
    connection: { account: id.toUpperCase() },
    credentials,
    wrongCredentials: { ...credentials, client_secret: 'Zq7~'.repeat(10) },
    malformedCredentials: { ...credentials, client_id: 'my application' },
    accountId: id,
    permissionText,
    pageSize: PAGE_SIZE,
    make: async ({ name, state, tags, kind = 'plain' }) => {
      if (kind === 'one-time-spot') throw new Error('Azure has no spot machine that cannot stop.');
      const power = state === 'running' ? 'running' : 'deallocated';
      return refTo(standIn, { name, resourceGroup: GROUP, power, zone: '2', ...(tags !== undefined && { tags }), ...KINDS[kind] });
    },
    remove: async ({ nativeId }) => void standIn.machines.all.delete(nativeId),
    arrange: async ({ nativeId }, outcome) => standIn.arrange(nativeId, FAULTS[outcome].action, FAULTS[outcome].fault),
    failScope: async () => standIn.refusePage(1, { status: 500, code: 'InternalServerError', message: 'Encountered internal server error.' }),
    withPermissions: async (allowed) => credentialsOf(standIn, standIn.entra.makeApplication(allowed)),
    effectiveActions: async () =>
      standIn.machines.effective.map(({ action, id }) => ({ action: action === 'start' ? 'start' : 'stop', nativeId: id })),
    recordedPermissions: async () => standIn.asked.map(({ permission }) => permission),
    pass: async () => {
      clock.at += 1_000;
    },
    end: () => standIn.stop(),
  };
}
