import type { TagSelector } from '../../domain/power-schedules/power-schedule.ts';
import type { Transaction } from '../shared/connection.ts';

/** Instances with all these tags that exist and can be stopped, among `resourceIds` or all of the organization. */
export async function instancesMatching(
  tx: Transaction,
  organizationId: string,
  selector: TagSelector,
  resourceIds: readonly string[] | 'all',
): Promise<string[]> {
  const rows = await tx('instances')
    .where({ organization_id: organizationId, can_stop: true })
    .whereNull('gone_at')
    .whereRaw('tags @> cast(? as jsonb)', [JSON.stringify(selector)])
    .modify((query) => (resourceIds === 'all' ? undefined : void query.whereRaw('resource_id = any(?)', [resourceIds as string[]])))
    .orderBy('resource_id')
    .select<{ resource_id: string }[]>('resource_id');
  return rows.map((row) => row.resource_id);
}

/** Instances that a schedule's selector brought to it, among `resourceIds` or all. */
export async function attachedBySelector(
  tx: Transaction,
  organizationId: string,
  scheduleId: string,
  resourceIds: readonly string[] | 'all',
): Promise<string[]> {
  const rows = await tx('power_schedule_members')
    .where({ organization_id: organizationId, schedule_id: scheduleId, attached_by: 'selector' })
    .modify((query) => (resourceIds === 'all' ? undefined : void query.whereRaw('resource_id = any(?)', [resourceIds as string[]])))
    .orderBy('resource_id')
    .select<{ resource_id: string }[]>('resource_id');
  return rows.map((row) => row.resource_id);
}
