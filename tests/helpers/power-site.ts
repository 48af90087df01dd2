import { addSandboxFault, type FaultWish } from '../../commands/sandbox/faults.ts';
import { createSchedule } from '../../commands/power-schedules/edit-schedule.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { readInstances } from '../../db/sandbox/instance-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { PowerSchedule } from '../../domain/power-schedules/power-schedule.ts';
import { parseRule, type RuleInput } from '../../domain/power-schedules/schedule-rule.ts';
import type { RunItem } from '../../domain/power/run-item.ts';
import { toRunItem } from '../../db/power/run-item-store.ts';
import { settle, type SandboxState } from '../../domain/sandbox/instance.ts';
import { system, type Actor } from '../../domain/shared/entity.ts';
import type { Clock, Instant } from '../../domain/shared/time.ts';
import { platform, type Platform } from './platform.ts';
import { sandboxFaultWish } from './sandbox.ts';
import { sandboxSite, type DiscoverByHand, type SandboxSite } from './sandbox-site.ts';
import { testClock, type TestClock } from './test-clock.ts';
import { travel, untilQuiet } from './travel.ts';

const by = system('test');

/** A start or stop that set an instance on another course. */
export interface Change {
  at: Instant;
  action: 'start' | 'stop';
  resourceId: string;
}

/** What a test asks of a sandbox and of the power domain, on a platform whose workers may run or not. */
export interface PowerArrangement {
  sandbox: SandboxSite;
  decision(): { at: Instant; by: Actor };
  /** Makes a schedule; each test says its rule in the form of the API. */
  schedule(rule: Partial<RuleInput>, resourceIds: readonly string[], wish?: { applyNow?: boolean; name?: string }): Promise<PowerSchedule>;
  fault(kind: FaultWish['kind'], changes?: Partial<FaultWish>): Promise<void>;
  /** What the cloud itself knows of these instances now, in their order. */
  states(resourceIds: readonly string[]): Promise<SandboxState[]>;
  /** What calls over the API changed, oldest first: the cloud's own log. */
  changes(resourceIds?: readonly string[]): Promise<Change[]>;
  /** What runs say of an instance, in the order of their making. */
  items(resourceId: string): Promise<RunItem[]>;
  nativeIdOf(resourceId: string): Promise<string>;
}

export async function arrangePower(site: Platform, clock: Clock, byHand?: DiscoverByHand): Promise<PowerArrangement> {
  const { db } = site;
  const sandbox = await sandboxSite(site, clock, byHand);
  const { organizationId, key } = sandbox;
  const decision = () => ({ at: clock.now(), by });
  const nativeIds = async (ids: readonly string[]): Promise<Map<string, string>> => {
    const rows = await db('instances').whereIn('resource_id', ids).select<{ resource_id: string; native_id: string }[]>('resource_id', 'native_id');
    return new Map(rows.map((row) => [row.resource_id, row.native_id]));
  };
  return {
    sandbox,
    decision,
    async schedule(rule, resourceIds, { applyNow = false, name = newId('power-schedule') } = {}) {
      const parsed = parseRule({ time_zone: 'UTC', triggers: [], ...rule }, clock.now());
      const wish = { organizationId, name, description: '', rule: parsed, tagSelector: null, enabled: true, resourceIds, applyNow };
      return (await inTransaction(db, (tx) => createSchedule(tx, wish, decision()))).schedule;
    },
    async fault(kind, changes = {}) {
      await inTransaction(db, (tx) => addSandboxFault(tx, { key, wish: sandboxFaultWish(kind, changes) }, decision()));
    },
    async states(resourceIds) {
      const ids = await nativeIds(resourceIds);
      const found = new Map((await readInstances(db, key, [...ids.values()], false)).map((one) => [one.id, settle(one, clock.now()).state]));
      return resourceIds.map((id) => found.get(ids.get(id) ?? '') ?? 'terminated');
    },
    async changes(resourceIds) {
      return await db('sandbox_calls as c')
        .join('instances as i', 'i.native_id', 'c.instance_id')
        .where({ 'c.organization_id': organizationId, 'c.changed': true, 'c.via': 'api' })
        .modify((query) => (resourceIds === undefined ? undefined : void query.whereIn('i.resource_id', resourceIds)))
        .orderBy('c.number')
        .select<Change[]>('c.at', 'c.action', 'i.resource_id as resourceId');
    },
    async items(resourceId) {
      const rows = await db('power_run_items as i').join('power_runs as r', 'r.id', 'i.run_id').where('i.resource_id', resourceId).orderBy('r.id').select<Record<string, unknown>[]>('i.*');
      return rows.map(toRunItem);
    },
    nativeIdOf: async (resourceId) => (await nativeIds([resourceId])).get(resourceId) ?? '',
  };
}

/** A platform in virtual time, with its workers and a sandbox. */
export interface PowerSite extends PowerArrangement {
  site: Platform;
  clock: TestClock;
  /** Lets time pass, as it would with the workers running. */
  travelTo(at: Instant): Promise<void>;
  /** Stops workers, relay and sweeps; `begin` starts them again and lets them work off what waits. */
  halt(): Promise<void>;
  begin(): Promise<void>;
}

/** Builds one whose clock stands at `start`, and takes it down with the test. */
export async function powerSite(t: { teardown(end: () => Promise<void>): void }, start: Instant): Promise<PowerSite> {
  const clock = testClock(start);
  const site = await platform();
  let workers: { stop(): Promise<void> } | null = await site.startWorkers(clock);
  const halt = async (): Promise<void> => {
    await workers?.stop();
    workers = null;
  };
  t.teardown(async () => {
    await halt();
    await site.end();
  });
  return {
    ...(await arrangePower(site, clock)),
    site,
    clock,
    travelTo: (at) => travel(site, clock, at),
    halt,
    async begin() {
      workers = await site.startWorkers(clock);
      await untilQuiet(site, clock.now());
    },
  };
}
