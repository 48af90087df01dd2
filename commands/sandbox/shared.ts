import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { connectedAccount } from '../../db/sandbox/account-store.ts';
import { getScalingGroup } from '../../db/sandbox/scaling-group-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

/** When a person changes a sandbox, and who. `check` sees the version that is changed. */
export interface SandboxCommand {
  at: Instant;
  by: Actor;
  check?(version: number): void;
}

/** The sandbox that a data source connects. Throws `sandbox.other-cloud` when it connects something else. */
export async function sandboxOf(db: Database | Transaction, organizationId: string, dataSourceId: string): Promise<SandboxAccountKey> {
  const connected = await connectedAccount(db, organizationId, dataSourceId);
  if (connected === null) throw notFound('data-source', dataSourceId);
  if (connected.cloud !== 'sandbox') {
    throw new DomainError({
      kind: 'conflict',
      code: 'sandbox.other-cloud',
      message: `Data source ${dataSourceId} connects an account of ${connected.cloud}. Only a sandbox can be arranged; connect one with cloud "sandbox".`,
      details: { cloud: connected.cloud },
    });
  }
  return { organizationId, accountId: connected.accountId };
}

/** A group of another account does not exist for this one. */
export async function requireScalingGroup(tx: Transaction, key: SandboxAccountKey, id: string | null | undefined): Promise<void> {
  if (id === null || id === undefined) return;
  const group = await getScalingGroup(tx, key.organizationId, id);
  if (group?.accountId !== key.accountId) {
    throw invalidField('sandbox.no-such-scaling-group', 'scaling_group_id', `${id} is no scaling group of sandbox ${key.accountId}; make it first`);
  }
}

/** What somebody did to a sandbox, for the ledger. */
export async function recordSandboxChange(
  tx: Transaction,
  change: { organizationId: string; subject: string; action: `sandbox.${string}`; before: unknown; after: unknown },
  { at, by }: SandboxCommand,
): Promise<void> {
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), at, by, ...change });
}
