import type { PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Reads and locks a schedule until the transaction ends. */
export async function lockSchedule(tx: Transaction, organizationId: string, id: string): Promise<PowerSchedule | null> {
  const row = await tx('power_schedules').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toSchedule(row);
}

export async function getSchedule(db: Database | Transaction, organizationId: string, id: string): Promise<PowerSchedule | null> {
  const row = await db('power_schedules').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toSchedule(row);
}

export async function organizationOfSchedule(db: Database, id: string): Promise<string | null> {
  const row = await db('power_schedules').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Names of schedules by their ids. */
export async function scheduleNames(db: Database | Transaction, organizationId: string, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await db('power_schedules')
    .where('organization_id', organizationId)
    .whereRaw('id = any(?)', [[...new Set(ids)]])
    .select<{ id: string; name: string }[]>('id', 'name');
  return new Map(rows.map((row) => [row.id, row.name]));
}

export async function insertSchedule(tx: Transaction, schedule: PowerSchedule): Promise<void> {
  await tx('power_schedules').insert({
    id: schedule.id,
    organization_id: schedule.organizationId,
    created_by: JSON.stringify(schedule.createdBy),
    created_at: schedule.createdAt,
    ...toColumns(schedule),
  });
}

export async function saveSchedule(tx: Transaction, schedule: PowerSchedule): Promise<void> {
  await tx('power_schedules').where({ organization_id: schedule.organizationId, id: schedule.id }).update(toColumns(schedule));
}

export async function deleteSchedule(tx: Transaction, organizationId: string, id: string): Promise<void> {
  await tx('power_schedule_members').where({ organization_id: organizationId, schedule_id: id }).delete();
  await tx('power_schedules').where({ organization_id: organizationId, id }).delete();
}

/** Locks up to `limit` schedules that are due, of one organization, the longest due first; what another sweep holds is passed by. */
export async function takeDueSchedules(tx: Transaction, at: Instant, limit: number): Promise<PowerSchedule[]> {
  const result = await tx.raw<{ rows: Row[] }>(
    `select * from power_schedules where next_due_at <= :at and organization_id = (
       select organization_id from power_schedules where next_due_at <= :at order by next_due_at limit 1 for update skip locked)
     order by next_due_at, id limit :limit for update skip locked`,
    { at, limit },
  );
  return result.rows.map(toSchedule);
}

/** Writes how far schedules have got, in one statement. Firing is no edit: the version stays. */
export async function saveFired(tx: Transaction, schedules: readonly PowerSchedule[]): Promise<void> {
  if (schedules.length === 0) return;
  await tx.raw(
    `update power_schedules s set processed_until = g."processedUntil", next_due_at = g."nextDueAt", last_fire = g."lastFire",
       last_run_id = g."lastRunId"
     from jsonb_to_recordset(cast(? as jsonb)) as g (id text, "processedUntil" timestamptz, "nextDueAt" timestamptz,
       "lastFire" jsonb, "lastRunId" text)
     -- The ids once more, so that it goes by the index whatever the planner believes of the record set.
     where s.id = any(?) and s.id = g.id`,
    [
      JSON.stringify(schedules.map(({ id, processedUntil, nextDueAt, lastFire, lastRunId }) => ({ id, processedUntil, nextDueAt, lastFire, lastRunId }))),
      schedules.map(({ id }) => id),
    ],
  );
}

/** Remembers the newest run in which a locked schedule spoke. */
export async function saveLastRun(tx: Transaction, organizationId: string, id: string, runId: string): Promise<void> {
  await tx('power_schedules').where({ organization_id: organizationId, id }).update({ last_run_id: runId });
}

/** When the next schedule of anybody fires. */
export async function nextScheduleDue(db: Database): Promise<Instant | null> {
  const [row] = await db('power_schedules').min<{ at: Instant | null }[]>('next_due_at as at');
  return row?.at ?? null;
}

/** Schedules of the organization that choose instances by their tags, oldest first; none can be deleted until the transaction ends. */
export async function schedulesWithSelectors(tx: Transaction, organizationId: string): Promise<PowerSchedule[]> {
  const rows = await tx('power_schedules').where('organization_id', organizationId).whereNotNull('tag_selector').orderBy('id').forKeyShare().select<Row[]>('*');
  return rows.map(toSchedule);
}

function toColumns(schedule: PowerSchedule): Row {
  return {
    name: schedule.name,
    description: schedule.description,
    rule: JSON.stringify(schedule.rule),
    time_zone: schedule.rule.timeZone,
    valid_from: schedule.rule.validFrom,
    valid_until: schedule.rule.validUntil,
    tag_selector: schedule.tagSelector === null ? null : JSON.stringify(schedule.tagSelector),
    enabled: schedule.enabled,
    processed_until: schedule.processedUntil,
    next_due_at: schedule.nextDueAt,
    last_fire: schedule.lastFire === null ? null : JSON.stringify(schedule.lastFire),
    last_run_id: schedule.lastRunId,
    version: schedule.version,
    last_at: schedule.lastAt,
  };
}

export function toSchedule(row: Row): PowerSchedule {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    name: row.name as string,
    description: row.description as string,
    rule: row.rule as PowerSchedule['rule'],
    tagSelector: row.tag_selector as PowerSchedule['tagSelector'],
    enabled: row.enabled as boolean,
    processedUntil: row.processed_until as string,
    nextDueAt: row.next_due_at as string | null,
    lastFire: row.last_fire as PowerSchedule['lastFire'],
    lastRunId: row.last_run_id as string | null,
    createdBy: row.created_by as PowerSchedule['createdBy'],
    version: row.version as number,
    lastAt: row.last_at as string,
    createdAt: row.created_at as string,
  };
}
