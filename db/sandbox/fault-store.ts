import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxFault } from '../../domain/sandbox/fault.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { columnsOf } from './account-store.ts';
import { toFault, type Row } from './rows.ts';

export async function insertFault(tx: Transaction, key: SandboxAccountKey, fault: SandboxFault): Promise<void> {
  await tx('sandbox_faults').insert({
    id: fault.id,
    ...columnsOf(key),
    kind: fault.kind,
    action: fault.action,
    region_id: fault.regionId,
    instance_type: fault.instanceType,
    instance_id: fault.instanceId,
    remaining: fault.remaining,
    percent: fault.percent,
    seed: fault.seed,
    met: fault.met,
    struck: fault.struck,
    retry_after_seconds: fault.retryAfterSeconds,
    message: fault.message,
    created_at: fault.createdAt,
  });
}

/** Faults of an account, used up ones too, in the order of their making. */
export async function listFaults(
  db: Database | Transaction,
  key: SandboxAccountKey,
  page: { limit: number; after: string | null },
): Promise<{ rows: SandboxFault[]; total: number }> {
  const matching = db('sandbox_faults').where(columnsOf(key));
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('id', '>', page.after);
  const rows = await matching.orderBy('id').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toFault), total: counted?.count ?? 0 };
}

export async function organizationOfFault(db: Database, id: string): Promise<string | null> {
  const row = await db('sandbox_faults').where({ id }).first<Row>('organization_id');
  return (row?.organization_id as string | undefined) ?? null;
}

/** One fault; null when it is not there any more. */
export async function deleteFault(tx: Transaction, organizationId: string, id: string): Promise<SandboxFault | null> {
  const [row] = await tx('sandbox_faults').where({ organization_id: organizationId, id }).delete().returning<Row[]>('*');
  return row === undefined ? null : toFault(row);
}

/** Every fault of an account; answers how many there were. */
export async function deleteFaults(tx: Transaction, key: SandboxAccountKey): Promise<number> {
  return await tx('sandbox_faults').where(columnsOf(key)).delete();
}
