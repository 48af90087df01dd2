import type { CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import { DEFAULT_SANDBOX_ACCOUNT, SANDBOX_ACCOUNT_NAME } from '../../domain/sandbox/account.ts';
import type { SandboxStore } from '../../domain/sandbox/ports.ts';
import { invalidField } from '../../domain/shared/errors.ts';
import type { Clock } from '../../domain/shared/time.ts';
import { sandboxCatalog } from './catalog.ts';
import { sandboxPower } from './power.ts';

export interface SandboxSettings {
  store: SandboxStore;
  clock: Clock;
  /** Instances a page of a listing; 500 unless said. */
  pageSize?: number;
}

/**
 * The cloud inside the product. An account is a name that a person chooses, `sandbox` by default, and
 * exists as soon as it is named; two organizations with the same name have nothing in common. Nobody
 * needs credentials. The time is the given clock's alone.
 */
export function createSandboxProvider({ store, clock, pageSize = 500 }: SandboxSettings): CloudProvider {
  const refuseMalformed: CloudProvider['refuseMalformed'] = ({ account }, credentials) => {
    if (account !== undefined && !SANDBOX_ACCOUNT_NAME.test(account)) {
      const problem = 'must be a name of a to z, 0 to 9 and hyphens that begins with a letter, 40 characters at most';
      throw invalidField('sandbox.invalid-account', 'account', problem);
    }
    if (credentials !== null) throw invalidField('sandbox.takes-no-credentials', 'credentials', 'leave them out: the sandbox asks for none');
  };
  return {
    cloud: 'sandbox',
    refuseMalformed,
    async check(connection, credentials, signal) {
      signal.throwIfAborted();
      refuseMalformed(connection, credentials);
      return { accountId: connection.account ?? DEFAULT_SANDBOX_ACCOUNT, principal: null, warnings: [] };
    },
    open({ organizationId, accountId }) {
      const account = { organizationId, accountId };
      return { power: sandboxPower({ store, clock }, account), catalog: sandboxCatalog({ store, clock, pageSize }, account) };
    },
  };
}
