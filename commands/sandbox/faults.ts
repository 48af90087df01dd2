import { deleteFault, deleteFaults, insertFault, listFaults } from '../../db/sandbox/fault-store.ts';
import { getSandboxInstance } from '../../db/sandbox/instance-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import { refuseFault, type SandboxFault } from '../../domain/sandbox/fault.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { newId } from '../shared/new-id.ts';
import { recordSandboxChange, type SandboxCommand } from './shared.ts';

/** Each call reads and counts all of them. */
const MOST = 100;

export type FaultWish = Omit<SandboxFault, 'id' | 'met' | 'struck' | 'createdAt'>;

/** Lets something go wrong from now on. */
export async function addSandboxFault(
  tx: Transaction,
  request: { key: SandboxAccountKey; wish: FaultWish },
  command: SandboxCommand,
): Promise<SandboxFault> {
  const { key, wish } = request;
  refuseFault(wish);
  if (wish.instanceId !== null) {
    const instance = await getSandboxInstance(tx, key.organizationId, wish.instanceId);
    if (instance?.accountId !== key.accountId) {
      throw invalidField('sandbox.no-such-instance', 'instance_id', `${wish.instanceId} is no instance of sandbox ${key.accountId}`);
    }
  }
  const { total } = await listFaults(tx, key, { limit: 1, after: null });
  if (total >= MOST) {
    throw new DomainError({
      kind: 'limit-exceeded',
      code: 'sandbox.too-many-faults',
      message: `Sandbox ${key.accountId} has ${MOST} faults already. Delete those that are used up.`,
    });
  }
  const fault: SandboxFault = { ...wish, id: newId('sandbox-fault'), met: 0, struck: 0, createdAt: command.at };
  await insertFault(tx, key, fault);
  const change = { organizationId: key.organizationId, subject: fault.id, action: 'sandbox.add-fault' as const, before: null, after: fault };
  await recordSandboxChange(tx, change, command);
  return fault;
}

/** Ends one fault. */
export async function removeSandboxFault(tx: Transaction, ref: { organizationId: string; id: string }, command: SandboxCommand): Promise<void> {
  const fault = await deleteFault(tx, ref.organizationId, ref.id);
  if (fault === null) throw notFound('sandbox-fault', ref.id);
  const change = { organizationId: ref.organizationId, subject: ref.id, action: 'sandbox.remove-fault' as const, before: fault, after: null };
  await recordSandboxChange(tx, change, command);
}

/** Ends every fault of a sandbox. What they have done already stays done. */
export async function clearSandboxFaults(tx: Transaction, key: SandboxAccountKey, command: SandboxCommand): Promise<void> {
  const faults = await deleteFaults(tx, key);
  if (faults === 0) return;
  const change = { organizationId: key.organizationId, subject: key.accountId, action: 'sandbox.clear-faults' as const, before: { faults }, after: null };
  await recordSandboxChange(tx, change, command);
}
