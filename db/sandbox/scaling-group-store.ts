import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxScalingGroup } from '../../domain/sandbox/scaling-group.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { columnsOf } from './account-store.ts';
import type { Row } from './rows.ts';

/** The constraint that a second group of the same name violates. */
export const GROUP_NAME_ONCE = 'sandbox_scaling_groups_name_once';

export type ListedScalingGroup = SandboxScalingGroup & { members: number };

export async function insertScalingGroup(tx: Transaction, group: SandboxScalingGroup): Promise<void> {
  await tx('sandbox_scaling_groups').insert({ id: group.id, ...columnsOf(group), created_at: group.createdAt, ...toColumns(group) });
}

export async function getScalingGroup(
  db: Database | Transaction,
  organizationId: string,
  id: string,
  { lock = false } = {},
): Promise<SandboxScalingGroup | null> {
  const query = db('sandbox_scaling_groups').where({ organization_id: organizationId, id });
  const row = await (lock ? query.forUpdate() : query).first<Row>();
  return row === undefined ? null : toGroup(row);
}

export async function organizationOfScalingGroup(db: Database, id: string): Promise<string | null> {
  const row = await db('sandbox_scaling_groups').where({ id }).first<Row>('organization_id');
  return (row?.organization_id as string | undefined) ?? null;
}

export async function saveScalingGroup(tx: Transaction, group: SandboxScalingGroup): Promise<void> {
  await tx('sandbox_scaling_groups').where({ organization_id: group.organizationId, id: group.id }).update(toColumns(group));
}

/** Its members stay as they are and belong to no group any more. */
export async function deleteScalingGroup(tx: Transaction, group: SandboxScalingGroup): Promise<void> {
  const { organizationId, id } = group;
  await tx('sandbox_instances').where({ organization_id: organizationId, scaling_group_id: id }).update({ scaling_group_id: null, version: tx.raw('version + 1') });
  await tx('sandbox_scaling_groups').where({ organization_id: organizationId, id }).delete();
}

/** Groups of an account by id, each with the count of its members. */
export async function listScalingGroups(
  db: Database,
  key: SandboxAccountKey,
  page: { limit: number; after: string | null },
): Promise<{ rows: ListedScalingGroup[]; total: number }> {
  const matching = db('sandbox_scaling_groups as g').where({ 'g.organization_id': key.organizationId, 'g.account_id': key.accountId });
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.where('g.id', '>', page.after);
  const members = db.raw('(select count(*) from sandbox_instances i where i.scaling_group_id = g.id) as members');
  const rows = await matching.orderBy('g.id').limit(page.limit).select<Row[]>('g.*', members);
  return { rows: rows.map((row) => ({ ...toGroup(row), members: row.members as number })), total: counted?.count ?? 0 };
}

function toGroup(row: Row): SandboxScalingGroup {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    accountId: row.account_id as string,
    version: row.version as number,
    name: row.name as string,
    replacedAfterSeconds: row.replaced_after_seconds as number,
    createdAt: row.created_at as string,
  };
}

function toColumns(group: SandboxScalingGroup): Row {
  return { name: group.name, replaced_after_seconds: group.replacedAfterSeconds, version: group.version };
}
