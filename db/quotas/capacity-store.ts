import type { Capacity } from '../../domain/quotas/capacity.ts';
import { plainAmount } from '../../domain/quotas/amounts.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { limits, type Row } from './rows.ts';

/**
 * Reads and locks an organization's capacity until the transaction ends, before any of its projects. Made, and
 * unlimited, when nobody stated one yet. Null when there is no such organization.
 */
export async function lockCapacityRow(tx: Transaction, organizationId: string): Promise<Capacity | null> {
  const locked = tx('quota_capacities').where('organization_id', organizationId).forUpdate().first<Row | undefined>();
  const row = await locked;
  if (row !== undefined) return toCapacity(row);
  await tx.raw(
    `insert into quota_capacities (organization_id, last_at) select id, created_at from organizations where id = ? on conflict do nothing`,
    [organizationId],
  );
  const made = await locked.clone();
  return made === undefined ? null : toCapacity(made);
}

/** What the organization stated, or that all is unlimited; null when there is no such organization. */
export async function getCapacity(db: Database | Transaction, organizationId: string): Promise<Capacity | null> {
  const row = await db('organizations as o')
    .leftJoin('quota_capacities as c', 'c.organization_id', 'o.id')
    .where('o.id', organizationId)
    .first<Row | undefined>('c.*', 'o.id as organization_id', db.raw('coalesce(c.version, 1) as version'), db.raw('coalesce(c.last_at, o.created_at) as last_at'));
  return row === undefined ? null : toCapacity(row);
}

export async function saveCapacity(tx: Transaction, { organizationId, amounts, prices, version, lastAt }: Capacity): Promise<void> {
  const { currency = null, gpu_hour = null, cpu_hour = null, ram_gib_hour = null } = prices ?? {};
  await tx('quota_capacities')
    .where('organization_id', organizationId)
    .update({ ...amounts, currency, gpu_hour, cpu_hour, ram_gib_hour, version, last_at: lastAt });
}

function toCapacity(row: Row): Capacity {
  const price = (column: string) => plainAmount(row[column] as string);
  return {
    organizationId: row.organization_id as string,
    amounts: limits(row),
    prices:
      row.currency === null
        ? null
        : { currency: row.currency as string, gpu_hour: price('gpu_hour'), cpu_hour: price('cpu_hour'), ram_gib_hour: price('ram_gib_hour') },
    version: row.version as number,
    lastAt: row.last_at as Instant,
  };
}
