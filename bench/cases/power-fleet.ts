import { insertDataSource } from '../../db/data-sources/data-source-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { noDiscoveryYet } from '../../domain/data-sources/discovery.ts';
import { parseRule, type PowerAction, type ScheduleRule } from '../../domain/power-schedules/schedule-rule.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { createOrganization, TENANT } from './tenant.ts';

export const SANDBOX = { organizationId: TENANT.organizationId, accountId: 'sandbox' } as const;

/** Where the schedules' people live. */
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Sydney'] as const;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Boots take 0 to 3 seconds, stops 0 to 2. */
const INSTANCES = `
  insert into sandbox_instances (id, organization_id, account_id, name, instance_type, region_id, zone, tags, boot_seconds, stop_seconds,
    spot, stop_protection, instance_store_root, local_ssd, state, state_since, created_at)
  select 'sbi_' || lpad(n::text, 26, '0'), :organizationId, :accountId, 'machine-' || n, 'general.small', region, region || 'a', '{}',
    n % 4, n % 3, 'none', false, false, false, 'stopped', :at, :at
  from generate_series(1, :size) as n, lateral (select (array['sandbox-eu-1', 'sandbox-us-1', 'sandbox-ap-1'])[1 + n % 3] as region) r;

  insert into resources (id, organization_id, cloud, account_id, native_id, is_named_line, resource_name, resource_type, service_name,
    region_id, tags, first_seen, last_seen)
  select 'res_' || right(id, 26), organization_id, 'sandbox', account_id, id, false, name, 'Instance', 'Sandbox', region_id, '{}', :at, :at
  from sandbox_instances;

  insert into instances (resource_id, organization_id, data_source_id, cloud, account_id, native_id, instance_name, instance_type, region_id,
    scope, handle, tags, resource_tags, state, observed_at, can_stop, first_discovered_at, last_discovered_at, seen_fence)
  select 'res_' || right(id, 26), organization_id, :dataSourceId, 'sandbox', account_id, id, name, instance_type, region_id,
    region_id, '{}', '{}', '{}', 'stopped', :at, true, :at, :at, 0
  from sandbox_instances`;

const SCHEDULES = `
  insert into power_schedules (id, organization_id, name, rule, time_zone, enabled, processed_until, next_due_at, created_by, created_at, last_at)
  select :prefix || lpad(n::text, 26, '0'), :organizationId, :prefix || n, r.rule, r.rule ->> 'timeZone', true, :at,
    cast(:at as timestamptz) + interval '3 days' + n * interval '1 second', '{"kind": "system", "id": null, "name": "bench"}', :at, :at
  from generate_series(1, :size) as n join jsonb_array_elements(cast(:rules as jsonb)) with ordinality as r (rule, zone) on r.zone = 1 + n % :zones`;

const MEMBERS = `
  insert into power_schedule_members (organization_id, resource_id, schedule_id, attached_by, attached_at)
  select organization_id, 'res_' || right(id, 26), id, 'person', :at from power_schedules`;

/** Fills a migrated database with `size` stopped sandbox instances, each with a schedule of its own, none of them due. */
export async function fillFleet(db: Database, size: number, at: Instant): Promise<void> {
  await createOrganization(db);
  await inTransaction(db, async (tx) => {
    await insertDataSource(tx, {
      ...SANDBOX, id: TENANT.dataSourceId, version: 1, lastAt: at, nextDueAt: null, cloud: 'sandbox', kind: 'account', name: 'Bench', connection: { account: SANDBOX.accountId },
      credentialsKind: 'none', export: null, linkedAccounts: 'all', importIntervalMinutes: 1440, initialMonths: 4, state: 'active',
      scheduleApplied: 'none', fence: 0, lastAttemptAt: null, lastSuccessAt: null, lastError: null, warnings: [], createdAt: at,
      running: null, waiting: null, ended: [], discovery: noDiscoveryYet(1440),
    });
    for (const statement of INSTANCES.split(';')) await tx.raw(statement, { ...SANDBOX, dataSourceId: TENANT.dataSourceId, size, at });
    await insertSchedules(tx, 'psc_', size, at);
    await tx.raw(MEMBERS, { at });
  });
  await db.raw('vacuum analyze');
}

/** Adds schedules without instances, enabled and not due for days; their ids begin with `prefix`. */
export async function insertSchedules(db: Database, prefix: string, size: number, at: Instant): Promise<void> {
  const rules = JSON.stringify(ZONES.map((zone) => ruleAt(zone, at, 'power_on')));
  await db.raw(SCHEDULES, { organizationId: SANDBOX.organizationId, prefix, size, at, rules, zones: ZONES.length });
}

/** Schedules number `from` to `to`, and what they say. */
export interface Due {
  from: number;
  to: number;
  action: PowerAction;
  /** A full minute. */
  at: Instant;
}

/** Makes some of the fleet's schedules due: each acts daily at this minute in its own zone, and the other way eleven hours later. */
export async function makeDue(db: Database, { from, to, action, at }: Due): Promise<void> {
  await db.raw(
    `update power_schedules s set rule = r, enabled = true, processed_until = :before, next_due_at = :at
     from jsonb_array_elements(cast(:rules as jsonb)) as r
     where s.time_zone = r ->> 'timeZone' and s.id between 'psc_' || lpad(:from::text, 26, '0') and 'psc_' || lpad(:to::text, 26, '0')`,
    { from, to, at, before: plusMilliseconds(at, -MINUTE_MS), rules: JSON.stringify(ZONES.map((zone) => ruleAt(zone, at, action))) },
  );
}

function ruleAt(zone: string, at: Instant, action: PowerAction): ScheduleRule {
  const other: PowerAction = action === 'power_on' ? 'power_off' : 'power_on';
  const triggers = [{ time: localTime(zone, at), action }, { time: localTime(zone, plusMilliseconds(at, 11 * HOUR_MS)), action: other }];
  return parseRule({ time_zone: zone, triggers }, at);
}

function localTime(zone: string, at: Instant): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
}

/** The full minute before an instant in milliseconds, or at it. */
export function minuteBefore(milliseconds: number): number {
  return milliseconds - (milliseconds % MINUTE_MS);
}

export function minuteAfter(milliseconds: number): number {
  return minuteBefore(milliseconds) + MINUTE_MS;
}
