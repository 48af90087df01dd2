import type { Transaction } from '../shared/connection.ts';

export interface CostChanges {
  added: number;
  changed: number;
  removed: number;
}

/** How much the billed cost of one service moved. */
export interface ServiceChange {
  serviceName: string;
  currency: string;
  billedChange: string;
}

const COSTS = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'];
const MEASURES = ['consumed_quantity', ...COSTS];
const measuresOf = (alias: string): string => MEASURES.map((column) => `${alias}.${column}`).join(', ');
const KIND = ['service_name', 'region_id', 'charge_category', 'charge_class', 'consumed_unit', 'billing_currency'];
const sameKind = (a: string, b: string): string => KIND.map((column) => `${a}.${column} = ${b}.${column}`).join(' and ');

/** Gives every staged kind of charge its key, found by number in `staged_kind_keys`. */
export async function identifyKinds(tx: Transaction, organizationId: string): Promise<void> {
  await tx.raw(
    `insert into charge_kinds (organization_id, ${KIND.join(', ')})
     select :organizationId, ${KIND.map((column) => `s.${column}`).join(', ')} from staged_kinds s
     where not exists (select from charge_kinds k where k.organization_id = :organizationId and ${sameKind('k', 's')})
     order by 2, 3, 4, 5, 6, 7`,
    { organizationId },
  );
  await tx.raw(
    `create temp table staged_kind_keys on commit drop as
     select s.kind_number, k.key as kind_key from staged_kinds s
     join charge_kinds k on k.organization_id = :organizationId and ${sameKind('k', 's')}`,
    { organizationId },
  );
  await tx.raw(`analyze staged_kind_keys`);
}

/** The staged costs under the keys of the record. */
const INCOMING = `
  select r.resource_key, k.kind_key, s.charge_date, ${measuresOf('s')}
  from staged_costs s join staged_resource_keys r using (resource_number) join staged_kind_keys k using (kind_number)`;

/** Writes the costs of a bill that the record does not hold yet, and their sums into the roll-ups. */
export async function insertCosts(tx: Transaction, organizationId: string, billKey: number): Promise<CostChanges> {
  const scope = { organizationId, billKey };
  const inserted = await tx.raw<{ rowCount: number }>(
    `insert into daily_cost_facts (organization_id, bill_key, resource_key, charge_date, kind_key, ${MEASURES.join(', ')})
     select :organizationId, cast(:billKey as integer), i.resource_key, i.charge_date, i.kind_key, ${measuresOf('i')}
     from (${INCOMING}) i order by i.resource_key, i.charge_date, i.kind_key`,
    scope,
  );
  const sums = `count(*), ${COSTS.map((column) => `sum(f.${column})`).join(', ')}`;
  // Nobody has counted the bill's rows yet: what the planner takes for a few it would loop over and sort.
  await tx.raw(`set local enable_nestloop = off; set local enable_sort = off`);
  await tx.raw(
    `insert into daily_service_costs (organization_id, bill_key, charge_date, sub_account_id, kind_key, ${DELTA_COLUMNS.join(', ')})
     select :organizationId, cast(:billKey as integer), f.charge_date, r.sub_account_id, f.kind_key, ${sums}
     from daily_cost_facts f join staged_resource_keys r using (resource_key)
     where f.bill_key = :billKey group by f.charge_date, r.sub_account_id, f.kind_key`,
    scope,
  );
  await tx.raw(
    `insert into monthly_service_costs (organization_id, bill_key, sub_account_id, kind_key, ${DELTA_COLUMNS.join(', ')})
     select :organizationId, cast(:billKey as integer), d.sub_account_id, d.kind_key, ${DELTA_COLUMNS.map((column) => `sum(d.${column})`).join(', ')}
     from daily_service_costs d where d.bill_key = :billKey group by d.sub_account_id, d.kind_key`,
    scope,
  );
  await tx.raw(
    `insert into monthly_resource_costs (organization_id, bill_key, resource_key, billing_currency, ${DELTA_COLUMNS.join(', ')})
     select :organizationId, cast(:billKey as integer), f.resource_key, k.billing_currency, ${sums}
     from daily_cost_facts f join charge_kinds k on k.key = f.kind_key
     where f.bill_key = :billKey group by f.resource_key, k.billing_currency`,
    scope,
  );
  await tx.raw(`set local enable_nestloop = on; set local enable_sort = on`);
  return { added: inserted.rowCount, changed: 0, removed: 0 };
}

/**
 * Finds the daily rows of the bill that differ from what was staged, as `cost_changes`: one row a
 * difference, with the place of the old row when there is one and the new figures when there are
 * any. Nothing is written to the record.
 */
export async function findCostChanges(tx: Transaction, billKey: number): Promise<CostChanges> {
  // Keys of several columns make the planner expect next to nothing and loop over everything; each of
  // these joins is of whole sets.
  await tx.raw(`set local enable_nestloop = off`);
  await tx.raw(
    `create temp table cost_changes on commit drop as
     with incoming as (${INCOMING}), existing as (
       select f.ctid as place, f.resource_key, f.kind_key, f.charge_date, ${measuresOf('f')}
       from daily_cost_facts f where f.bill_key = :billKey
     )
     select e.place, i.resource_key is not null as stays,
       coalesce(i.resource_key, e.resource_key) as resource_key, coalesce(i.kind_key, e.kind_key) as kind_key,
       coalesce(i.charge_date, e.charge_date) as charge_date, ${measuresOf('i')},
       ${COSTS.map((column) => `e.${column} as old_${column}`).join(', ')}
     from incoming i
     full join existing e on e.resource_key = i.resource_key and e.charge_date = i.charge_date and e.kind_key = i.kind_key
     where e.place is null or i.resource_key is null or (${measuresOf('i')}) is distinct from (${measuresOf('e')})`,
    { billKey },
  );
  await tx.raw(`set local enable_nestloop = on`);
  await tx.raw(`analyze cost_changes`);
  const counted = await tx.raw<{ rows: CostChanges[] }>(
    `select count(*) filter (where place is null) as added, count(*) filter (where stays and place is not null) as changed,
       count(*) filter (where not stays) as removed from cost_changes`,
  );
  return counted.rows[0] as CostChanges;
}

/** Writes `cost_changes` into the daily rows, and their sums into the roll-ups. */
export async function applyCostChanges(tx: Transaction, organizationId: string, billKey: number): Promise<void> {
  const scope = { organizationId, billKey };
  await tx.raw(`delete from daily_cost_facts f using cost_changes c where f.ctid = c.place and not c.stays`);
  await tx.raw(
    `update daily_cost_facts f set ${MEASURES.map((column) => `${column} = c.${column}`).join(', ')}
     from cost_changes c where f.ctid = c.place and c.stays`,
  );
  await tx.raw(
    `insert into daily_cost_facts (organization_id, bill_key, resource_key, charge_date, kind_key, ${MEASURES.join(', ')})
     select :organizationId, cast(:billKey as integer), c.resource_key, c.charge_date, c.kind_key, ${measuresOf('c')}
     from cost_changes c where c.place is null order by c.resource_key, c.charge_date, c.kind_key`,
    scope,
  );
  for (const rollUp of ROLL_UPS) await mergeRollUp(tx, rollUp, scope);
}

/** Differences add up exactly, so a roll-up moves by the sum of what changed; a count of rows tells when it is empty. */
const DELTAS = `
  sum(case when place is null then 1 when not stays then -1 else 0 end) as cost_rows,
  ${COSTS.map((column) => `sum(coalesce(c.${column}, 0) - coalesce(c.old_${column}, 0)) as ${column}`).join(', ')}`;
const MOVED = `(${['cost_rows', ...COSTS].map((column) => `d.${column} <> 0`).join(' or ')})`;
const ADD_DELTAS = ['cost_rows', ...COSTS].map((column) => `${column} = t.${column} + d.${column}`).join(', ');
const DELTA_COLUMNS = ['cost_rows', ...COSTS];
const deltaValues = DELTA_COLUMNS.map((column) => `d.${column}`).join(', ');

/** A roll-up table: what it groups by besides the bill, and what those columns read beside a change `c`. */
interface RollUp {
  table: string;
  keys: Record<string, string>;
  join: string;
}

const OF_ACCOUNT = 'join resources r on r.key = c.resource_key';
const ROLL_UPS: RollUp[] = [
  { table: 'daily_service_costs', keys: { charge_date: 'c.charge_date', sub_account_id: 'r.account_id', kind_key: 'c.kind_key' }, join: OF_ACCOUNT },
  { table: 'monthly_service_costs', keys: { sub_account_id: 'r.account_id', kind_key: 'c.kind_key' }, join: OF_ACCOUNT },
  {
    table: 'monthly_resource_costs',
    keys: { resource_key: 'c.resource_key', billing_currency: 'k.billing_currency' },
    join: 'join charge_kinds k on k.key = c.kind_key',
  },
];

/** Moves one roll-up by the sums of `cost_changes`. */
async function mergeRollUp(tx: Transaction, { table, keys, join }: RollUp, scope: { organizationId: string; billKey: number }): Promise<void> {
  const columns = Object.keys(keys);
  await tx.raw(
    `merge into ${table} t
     using (
       select ${columns.map((column) => `${keys[column]} as ${column}`).join(', ')}, ${DELTAS}
       from cost_changes c ${join}
       group by ${Object.values(keys).join(', ')}
     ) d
     on t.bill_key = :billKey and ${columns.map((column) => `t.${column} = d.${column}`).join(' and ')}
     when matched and t.cost_rows + d.cost_rows = 0 then delete
     when matched and ${MOVED} then update set ${ADD_DELTAS}
     when not matched then
       insert (organization_id, bill_key, ${columns.join(', ')}, ${DELTA_COLUMNS.join(', ')})
       values (:organizationId, :billKey, ${columns.map((column) => `d.${column}`).join(', ')}, ${deltaValues})`,
    scope,
  );
}

/** What a bill that the record did not hold yet costs, by service and currency; services that cost nothing are left out. */
export async function servicesOfFirst(tx: Transaction): Promise<ServiceChange[]> {
  const result = await tx.raw<{ rows: ServiceChange[] }>(
    `select service_name as "serviceName", billing_currency as currency, trim_scale(sum(billed_cost)) as "billedChange"
     from staged_totals join staged_kinds using (kind_number)
     group by 1, 2 having sum(billed_cost) <> 0 order by 1, 2`,
  );
  return result.rows;
}

/** How billed cost moved, by service and currency; services whose cost stayed the same are left out. */
export async function serviceChanges(tx: Transaction): Promise<ServiceChange[]> {
  const result = await tx.raw<{ rows: ServiceChange[] }>(
    `select k.service_name as "serviceName", k.billing_currency as currency,
       trim_scale(sum(coalesce(c.billed_cost, 0) - coalesce(c.old_billed_cost, 0))) as "billedChange"
     from cost_changes c join charge_kinds k on k.key = c.kind_key
     group by 1, 2 having sum(coalesce(c.billed_cost, 0) - coalesce(c.old_billed_cost, 0)) <> 0 order by 1, 2`,
  );
  return result.rows;
}
