import type { PermissionText } from './cloud-ports.ts';

/** A custom role as `gcloud iam roles create ROLE --project=PROJECT --file=role.json` takes it. */
export interface GcpCustomRole {
  title: string;
  description: string;
  stage: 'GA';
  includedPermissions: string[];
}

/**
 * The least a service account needs for instances and power: exactly the permissions that the
 * adapter's calls are checked for. Tests compare it with the calls really made. The role is bound to
 * the account on the project:
 * `gcloud projects add-iam-policy-binding PROJECT --member=serviceAccount:EMAIL --role=projects/PROJECT/roles/ROLE`.
 */
export function gcpPermissions(): PermissionText & { document: GcpCustomRole } {
  const permissions: PermissionText['permissions'] = [
    { name: 'compute.instances.list', purpose: 'connect' },
    { name: 'compute.instances.list', purpose: 'discover' },
    { name: 'compute.instances.start', purpose: 'start' },
    { name: 'compute.instances.stop', purpose: 'stop' },
    { name: 'compute.instances.get', purpose: 'observe' },
    { name: 'compute.instances.list', purpose: 'observe' },
    { name: 'compute.zoneOperations.get', purpose: 'observe' },
  ];
  return {
    format: 'gcp-custom-role',
    document: {
      title: 'Orrery instances and power',
      description: 'Lists the instances of the project and starts and stops them.',
      stage: 'GA',
      includedPermissions: [...new Set(permissions.map(({ name }) => name))].sort(),
    },
    permissions,
  };
}
