import { lockSandboxAccount, saveSandboxAccount } from '../../db/sandbox/account-store.ts';
import { clearCalls } from '../../db/sandbox/call-log.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { SandboxAccount, SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxInstanceTypeName } from '../../domain/sandbox/catalogue.ts';
import { recordSandboxChange, type SandboxCommand } from './shared.ts';

export interface AccountEdit {
  operations?: boolean | undefined;
  refusesWholeBatches?: boolean | undefined;
  /** By instance type; null puts the list price back. Types that are not named keep theirs. */
  prices?: Partial<Record<SandboxInstanceTypeName, string | null>> | undefined;
}

/** Changes how a sandbox behaves. */
export async function editSandboxAccount(
  tx: Transaction,
  request: { key: SandboxAccountKey; changes: AccountEdit },
  command: SandboxCommand,
): Promise<SandboxAccount> {
  const { key, changes } = request;
  const before = await lockSandboxAccount(tx, key);
  command.check?.(before.version);
  const prices = Object.entries({ ...before.prices, ...changes.prices }).filter(([, price]) => price !== null);
  const after: SandboxAccount = {
    operations: changes.operations ?? before.operations,
    refusesWholeBatches: changes.refusesWholeBatches ?? before.refusesWholeBatches,
    prices: Object.fromEntries(prices),
    version: before.version + 1,
  };
  await saveSandboxAccount(tx, key, after);
  const change = { organizationId: key.organizationId, subject: key.accountId, action: 'sandbox.edit-account' as const, before, after };
  await recordSandboxChange(tx, change, command);
  return after;
}

/** Forgets every call so far. */
export async function clearSandboxCalls(tx: Transaction, key: SandboxAccountKey, command: SandboxCommand): Promise<void> {
  const lines = await clearCalls(tx, key);
  const change = { organizationId: key.organizationId, subject: key.accountId, action: 'sandbox.clear-calls' as const, before: { lines }, after: null };
  await recordSandboxChange(tx, change, command);
}
