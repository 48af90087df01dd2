import { newId } from '../../commands/shared/new-id.ts';
import { insertDataSource } from '../../db/data-sources/data-source-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { parseRule, type RuleInput, type ScheduleRule } from '../../domain/power-schedules/schedule-rule.ts';
import type { InstanceState } from '../../domain/resources/instance.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { blankDataSource } from './blank-data-source.ts';

/** What a test says of the instances it wants. */
export interface InstanceWish {
  state?: InstanceState;
  tags?: Record<string, string>;
  /** `null`: can be stopped. */
  cannotStop?: string | null;
}

/** A sandbox data source of the organization, connected without a check. */
export async function insertSandbox(db: Database, organizationId: string, accountId = 'sandbox'): Promise<string> {
  const source = blankDataSource(organizationId, { cloud: 'sandbox', name: accountId, accountId, connection: { account: accountId } });
  await inTransaction(db, (tx) => insertDataSource(tx, source));
  return source.id;
}

/** Instances as discovery would have left them, one a wish, in the order of the wishes; answers with their resource ids. */
export async function insertInstances(
  db: Database,
  place: { organizationId: string; dataSourceId: string; accountId?: string },
  wishes: readonly InstanceWish[],
  at: Instant,
): Promise<string[]> {
  const { organizationId, dataSourceId, accountId = 'sandbox' } = place;
  const known = wishes.map(({ state = 'running', tags = {}, cannotStop = null }, index) => {
    const id = newId('resource');
    return { id, state, tags, cannotStop, nativeId: `i-${id.slice(4)}`, name: `machine-${String(index).padStart(5, '0')}` };
  });
  await db.batchInsert(
    'resources',
    known.map(({ id, nativeId, name, tags }) => ({
      id,
      organization_id: organizationId,
      cloud: 'sandbox',
      account_id: accountId,
      native_id: nativeId,
      is_named_line: false,
      resource_name: name,
      resource_type: 'Instance',
      service_name: 'Sandbox',
      region_id: 'sandbox-1',
      tags: JSON.stringify(tags),
      first_seen: at,
      last_seen: at,
    })),
  );
  await db.batchInsert(
    'instances',
    known.map(({ id, nativeId, name, state, tags, cannotStop }) => ({
      resource_id: id,
      organization_id: organizationId,
      data_source_id: dataSourceId,
      cloud: 'sandbox',
      account_id: accountId,
      native_id: nativeId,
      instance_name: name,
      instance_type: 'sbx.small',
      region_id: 'sandbox-1',
      scope: 'sandbox-1',
      seen_fence: 0,
      handle: '{}',
      resource_tags: JSON.stringify(tags),
      tags: JSON.stringify(tags),
      state,
      observed_at: at,
      can_stop: cannotStop === null,
      cannot_stop_reason: cannotStop,
      first_discovered_at: at,
      last_discovered_at: at,
    })),
  );
  return known.map(({ id }) => id);
}

/** A rule with a few defaults. */
export function ruleOf(input: Partial<RuleInput>, at: Instant): ScheduleRule {
  return parseRule({ time_zone: 'UTC', triggers: [{ time: '08:00', action: 'power_on' }, { time: '20:00', action: 'power_off' }], ...input }, at);
}
