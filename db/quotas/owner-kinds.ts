import type { Database, Transaction } from '../shared/connection.ts';

/**
 * Where the rows of a kind of owner are, and which of them have ended. What holds quota is judged by these rows
 * alone. A row is written in the transaction that holds quota for it, or before.
 */
export interface OwnerRows {
  /** Has organization_id and id. */
  table: string;
  /** SQL condition on the table as `o`: nothing of the row takes quota any more. Final: it never becomes false again. */
  ended: string;
}

/** Every kind of owner that may hold quota. A domain whose rows do adds its line here. */
export const OWNER_KINDS = new Map<string, OwnerRows>();

/** Whether an owner exists and has not ended; `unknown-kind` when nobody registered its kind. */
export async function stateOfOwner(tx: Transaction, organizationId: string, owner: { kind: string; id: string }): Promise<'alive' | 'ended' | 'absent' | 'unknown-kind'> {
  const rows = OWNER_KINDS.get(owner.kind);
  if (rows === undefined) return 'unknown-kind';
  const result = await tx.raw<{ rows: { ended: boolean }[] }>(
    `select (${rows.ended}) as ended from ${rows.table} o where o.organization_id = ? and o.id = ?`,
    [organizationId, owner.id],
  );
  const [found] = result.rows;
  if (found === undefined) return 'absent';
  return found.ended ? 'ended' : 'alive';
}

/** Which allocations that have not ended belong to an owner that has, or that is gone: by project, up to `limit`. */
export async function allocationsOfEndedOwners(db: Database | Transaction, limit: number, only?: { organizationId: string; projectId: string }): Promise<FoundAllocation[]> {
  const found: FoundAllocation[] = [];
  for (const [kind, { table, ended }] of OWNER_KINDS) {
    const result = await db.raw<{ rows: { id: string; organization_id: string; project_id: string }[] }>(
      `select a.id, a.organization_id, a.project_id from quota_allocations a
         left join ${table} o on o.organization_id = a.organization_id and o.id = a.owner_id
       where a.owner_kind = :kind and a.state <> 'released' and (o.id is null or (${ended}))
         ${only === undefined ? '' : 'and a.organization_id = :organizationId and a.project_id = :projectId'}
       order by a.organization_id, a.project_id, a.id limit :limit`,
      { kind, limit, ...only },
    );
    found.push(...result.rows.map((row) => ({ id: row.id, organizationId: row.organization_id, projectId: row.project_id })));
  }
  return found;
}

export interface FoundAllocation {
  id: string;
  organizationId: string;
  projectId: string;
}
