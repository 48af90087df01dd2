import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** An instance that belongs to a schedule. */
export interface ScheduleMember {
  resourceId: string;
  scheduleId: string;
  /** `selector`: its tags brought it, and may take it away. */
  attachedBy: 'person' | 'selector';
  attachedAt: Instant;
}

/** Members of these schedules, those whose instance is gone left out. */
export async function membersOf(db: Database | Transaction, organizationId: string, scheduleIds: readonly string[]): Promise<ScheduleMember[]> {
  const result = await db.raw<{ rows: Record<string, unknown>[] }>(
    `select m.* from power_schedule_members m join instances i on i.resource_id = m.resource_id
     where m.organization_id = ? and m.schedule_id = any(?) and i.gone_at is null order by m.resource_id`,
    [organizationId, scheduleIds as string[]],
  );
  return result.rows.map(toMember);
}

/** The schedules of these instances. */
export async function membershipsOf(db: Database | Transaction, organizationId: string, resourceIds: readonly string[]): Promise<Map<string, ScheduleMember>> {
  const rows = await db('power_schedule_members')
    .where('organization_id', organizationId)
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .select<Record<string, unknown>[]>('*');
  return new Map(rows.map((row) => [row.resource_id as string, toMember(row)]));
}

/** Attaches instances; answers with those that were not in a schedule before. Two at once: the database lets one in. */
export async function insertMembers(
  tx: Transaction,
  organizationId: string,
  scheduleId: string,
  resourceIds: readonly string[],
  attached: Pick<ScheduleMember, 'attachedBy' | 'attachedAt'>,
): Promise<Set<string>> {
  if (resourceIds.length === 0) return new Set();
  const result = await tx.raw<{ rows: { resource_id: string }[] }>(
    `insert into power_schedule_members (organization_id, resource_id, schedule_id, attached_by, attached_at)
     select ?, id, ?, ?, ? from unnest(cast(? as text[])) as g (id) order by id
     on conflict on constraint power_schedule_members_one_schedule do nothing returning resource_id`,
    [organizationId, scheduleId, attached.attachedBy, attached.attachedAt, resourceIds as string[]],
  );
  return new Set(result.rows.map((row) => row.resource_id));
}

/** Detaches instances from a schedule; answers with those that were in it. */
export async function deleteMembers(tx: Transaction, organizationId: string, scheduleId: string, resourceIds: readonly string[]): Promise<Set<string>> {
  const result = await tx.raw<{ rows: { resource_id: string }[] }>(
    `delete from power_schedule_members where organization_id = ? and schedule_id = ? and resource_id = any(?) returning resource_id`,
    [organizationId, scheduleId, resourceIds as string[]],
  );
  return new Set(result.rows.map((row) => row.resource_id));
}

function toMember(row: Record<string, unknown>): ScheduleMember {
  return {
    resourceId: row.resource_id as string,
    scheduleId: row.schedule_id as string,
    attachedBy: row.attached_by as ScheduleMember['attachedBy'],
    attachedAt: row.attached_at as string,
  };
}
