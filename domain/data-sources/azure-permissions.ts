import type { PermissionText } from './cloud-ports.ts';

/**
 * A custom role as `az role definition create --role-definition` takes it.
 * https://learn.microsoft.com/azure/role-based-access-control/custom-roles-cli
 */
export interface AzureRoleDefinition {
  Name: string;
  IsCustom: true;
  Description: string;
  Actions: string[];
  NotActions: string[];
  DataActions: string[];
  NotDataActions: string[];
  /** `/subscriptions/<id>` */
  AssignableScopes: string[];
}

/** Azure's names of what our calls ask for, as "Azure resource provider operations" lists them. */
export const AZURE_ACTIONS = {
  /** Also covers power states: both `statusOnly` and `$expand=instanceView` are forms of this read. */
  read: 'Microsoft.Compute/virtualMachines/read',
  start: 'Microsoft.Compute/virtualMachines/start/action',
  deallocate: 'Microsoft.Compute/virtualMachines/deallocate/action',
  /** Following a start or stop to its end. Azure checks it on the subscription, not on the machine. */
  followOperation: 'Microsoft.Compute/locations/operations/read',
} as const;

/**
 * The least an application needs on the subscription; tests compare it with the calls really made.
 * Without an id the scope names its place.
 */
export function azurePermissionText(subscriptionId: string | null): PermissionText & { document: AzureRoleDefinition } {
  const { read, start, deallocate, followOperation } = AZURE_ACTIONS;
  return {
    format: 'azure-custom-role',
    document: {
      Name: 'Orrery power schedules',
      IsCustom: true,
      Description: 'Lists virtual machines, starts and deallocates them, and follows these operations.',
      Actions: [read, start, deallocate, followOperation],
      NotActions: [],
      DataActions: [],
      NotDataActions: [],
      AssignableScopes: [`/subscriptions/${subscriptionId ?? '<subscription-id>'}`],
    },
    permissions: [
      { name: read, purpose: 'connect' },
      { name: read, purpose: 'discover' },
      { name: read, purpose: 'observe' },
      { name: start, purpose: 'start' },
      { name: deallocate, purpose: 'stop' },
      { name: followOperation, purpose: 'observe' },
    ],
  };
}
