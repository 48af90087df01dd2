import type { Cloud } from '../resources/instance.ts';
import { DomainError } from '../shared/errors.ts';
import { alibabaPermissions } from './alibaba-permissions.ts';
import { instanceStatements } from './aws-permissions.ts';
import { leastPrivilegePolicy, type PolicyOptions } from './aws-policy.ts';
import { azurePermissionText } from './azure-permissions.ts';
import type { PolicyDocument } from './bucket-policy.ts';
import type { PermissionText } from './cloud-ports.ts';
import { gcpPermissions } from './gcp-permissions.ts';
import { SANDBOX_PERMISSIONS } from './sandbox-permissions.ts';

/**
 * One IAM policy for everything that is done with an AWS account: reading its bill, as the options
 * say, and its instances. Bills in a directory, without credentials, need none: that is refused as
 * `data-sources.no-policy-needed`.
 *
 * @param account who the policy is for, null where that is not known; `credentials`: whether there are any.
 */
export function awsPolicy(options: PolicyOptions, account: { id: string | null; credentials: boolean }): PolicyDocument {
  const bill = leastPrivilegePolicy(options);
  if (!account.credentials) {
    throw new DomainError({
      kind: 'conflict',
      code: 'data-sources.no-policy-needed',
      message: 'Bills in a directory are read without any call that an IAM policy could allow: a directory is no AWS.',
    });
  }
  return { Version: '2012-10-17', Statement: [...(bill?.Statement ?? []), ...instanceStatements(account.id)] };
}

/** What an account of another cloud has to give, in the form that its own tools take. */
export function permissionText(cloud: Exclude<Cloud, 'aws'>, accountId: string | null): PermissionText {
  switch (cloud) {
    case 'azure':
      return azurePermissionText(accountId);
    case 'gcp':
      return gcpPermissions();
    case 'alibaba':
      return alibabaPermissions(accountId);
    case 'sandbox':
      return SANDBOX_PERMISSIONS;
  }
}
