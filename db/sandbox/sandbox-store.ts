import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxDecision, SandboxView } from '../../domain/sandbox/call.ts';
import { replacementOf, settle } from '../../domain/sandbox/instance.ts';
import type { SandboxSelection, SandboxStore } from '../../domain/sandbox/ports.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { inTransaction } from '../shared/transaction.ts';
import { behaviourOf } from './account-store.ts';
import { deleteSandboxInstances, insertSandboxInstances, lockMembers, readInstances, readRegion } from './instance-store.ts';
import { writeDecision } from './write-decision.ts';

/** Sandboxes in PostgreSQL. `newInstanceId` names what scaling groups launch. */
export function createSandboxStore({ db, newInstanceId }: { db: Database; newInstanceId: () => string }): SandboxStore {
  return {
    change: (account, ids, decide) => inTransaction(db, (tx) => changeIn(tx, account, ids, decide)),
    look: (account, selection, decide) => look(db, account, selection, decide),
    replaceStoppedMembers: (account, at) => inTransaction(db, (tx) => replaceStoppedMembers(tx, account, at, newInstanceId)),
  };
}

/** Faults are locked before instances, and those in the order of their ids: two calls never wait for each other. */
async function changeIn<D extends SandboxDecision>(
  tx: Transaction,
  key: SandboxAccountKey,
  ids: readonly string[],
  decide: (view: SandboxView) => D,
): Promise<D> {
  const behaviour = await behaviourOf(tx, key);
  const decision = decide({ ...behaviour, instances: await readInstances(tx, key, ids, true) });
  await writeDecision(tx, key, decision);
  return decision;
}

async function look<D extends SandboxDecision>(
  db: Database,
  key: SandboxAccountKey,
  selection: SandboxSelection,
  decide: (view: SandboxView) => D,
): Promise<D> {
  const once = async (on: Database | Transaction, behaviour: Pick<SandboxView, 'account' | 'faults'>): Promise<D> => {
    const instances = 'ids' in selection ? await readInstances(on, key, selection.ids, false) : await readRegion(on, key, selection);
    const decision = decide({ ...behaviour, instances });
    await writeDecision(on, key, decision);
    return decision;
  };
  const behaviour = await behaviourOf(db, key);
  if (behaviour.faults.length === 0) return await once(db, behaviour);
  // Faults count what they meet, so they are read again where their lock holds.
  return await inTransaction(db, async (tx) => once(tx, await behaviourOf(tx, key)));
}

/** See the port; for a transaction that is open. */
export async function replaceStoppedMembers(tx: Transaction, key: SandboxAccountKey, at: Instant, newInstanceId: () => string): Promise<void> {
  const members = await lockMembers(tx, key);
  const terminated = members.map((member) => settle(member, at)).filter(({ state }) => state === 'terminated');
  if (terminated.length === 0) return;
  await insertSandboxInstances(tx, terminated.map((member) => replacementOf(member, newInstanceId())));
  await deleteSandboxInstances(tx, key.organizationId, terminated.map(({ id }) => id));
}
