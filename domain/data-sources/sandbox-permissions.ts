import { SANDBOX_PERMISSION } from '../sandbox/call.ts';
import type { PermissionText } from './cloud-ports.ts';

/** What the sandbox lets the product do until a fault denies it. Nobody has to grant it. */
export const SANDBOX_PERMISSIONS: PermissionText = {
  format: 'sandbox-actions',
  document: { allow: [...new Set(Object.values(SANDBOX_PERMISSION))].sort() },
  permissions: [
    { name: SANDBOX_PERMISSION.discover, purpose: 'discover' },
    { name: SANDBOX_PERMISSION.observe, purpose: 'observe' },
    { name: SANDBOX_PERMISSION.start, purpose: 'start' },
    { name: SANDBOX_PERMISSION.stop, purpose: 'stop' },
  ],
};
