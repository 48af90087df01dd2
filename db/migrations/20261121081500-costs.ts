import type { Knex } from 'knex';

const BILLS = `
  -- The current generation of each (data source, billing period). Cost rows refer to it by its short key.
  create table billing_periods (
    key integer generated always as identity unique,
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    billing_period date not null,
    generation_id text collate "C" not null,
    import_id text collate "C" not null,
    dialect text not null,
    completeness text not null,
    manifest jsonb,
    objects jsonb not null,
    taken_accounts jsonb not null,
    totals jsonb not null,
    is_final boolean not null,
    warnings jsonb not null default '[]',
    first_charge_date date,
    last_charge_date date,
    imported_at timestamptz not null,
    primary key (data_source_id, billing_period),
    unique (organization_id, data_source_id, billing_period),
    unique (organization_id, key),
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id)
  );
  create index billing_periods_by_month on billing_periods (organization_id, billing_period);
`;

const RESOURCES = `
  create table resources (
    id text collate "C" primary key,
    key bigint generated always as identity unique,
    organization_id text collate "C" not null references organizations (id),
    cloud text collate "C" not null,
    account_id text collate "C" not null,
    native_id text collate "C" not null,
    is_named_line boolean not null,
    resource_name text collate "C" not null,
    resource_type text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    tags jsonb not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    unique (organization_id, id),
    unique (organization_id, key),
    constraint resources_native_id_once unique (organization_id, cloud, account_id, native_id)
  );

  -- What a bill says of its resources: so a closed month keeps its tags, and the resource shows its newest.
  create table resource_periods (
    organization_id text collate "C" not null,
    bill_key integer not null,
    resource_key bigint not null,
    resource_name text collate "C" not null,
    resource_type text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    tags jsonb not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (bill_key, resource_key),
    foreign key (organization_id, resource_key) references resources (organization_id, key),
    foreign key (organization_id, bill_key) references billing_periods (organization_id, key)
  );
  create index resource_periods_by_resource on resource_periods (resource_key);

  -- How bills write the tag keys that resources hold in normalised form.
  create table tag_keys (
    organization_id text collate "C" not null references organizations (id),
    normalised_key text collate "C" not null,
    source_key text collate "C" not null,
    primary key (organization_id, normalised_key, source_key)
  );
`;

const COSTS = `
  -- What a charge is besides when, whose and how much: a few hundred an organization, millions of cost rows.
  create table charge_kinds (
    key integer generated always as identity primary key,
    organization_id text collate "C" not null references organizations (id),
    charge_category text collate "C" not null,
    charge_class text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    consumed_unit text collate "C" not null,
    billing_currency text collate "C" not null,
    constraint charge_kinds_once unique (organization_id, service_name, region_id, charge_category, charge_class,
      consumed_unit, billing_currency)
  );

  -- Plain NUMERIC: it keeps every digit it is given, where NUMERIC(p, s) would round in silence. No
  -- foreign keys: one merge writes all of a bill's rows under its lock, and a check a row would
  -- cost more than the merge. Every query enters through the bills of an organization, so the
  -- primary key is the only index. Room is left on the pages so that corrections stay in place.
  create table daily_cost_facts (
    organization_id text collate "C" not null,
    bill_key integer not null,
    resource_key bigint not null,
    charge_date date not null,
    kind_key integer not null,
    consumed_quantity numeric not null,
    billed_cost numeric not null,
    effective_cost numeric not null,
    contracted_cost numeric not null,
    list_cost numeric not null,
    primary key (bill_key, resource_key, charge_date, kind_key)
  ) with (fillfactor = 90);

  -- Roll-ups, kept by the same merge: without resources, by day and by bill; and by resource and bill.
  create table daily_service_costs (
    organization_id text collate "C" not null,
    bill_key integer not null,
    charge_date date not null,
    sub_account_id text collate "C" not null,
    kind_key integer not null,
    cost_rows bigint not null constraint daily_service_costs_rows check (cost_rows > 0),
    billed_cost numeric not null,
    effective_cost numeric not null,
    contracted_cost numeric not null,
    list_cost numeric not null,
    primary key (bill_key, charge_date, sub_account_id, kind_key)
  ) with (fillfactor = 90);

  create table monthly_service_costs (
    organization_id text collate "C" not null,
    bill_key integer not null,
    sub_account_id text collate "C" not null,
    kind_key integer not null,
    cost_rows bigint not null constraint monthly_service_costs_rows check (cost_rows > 0),
    billed_cost numeric not null,
    effective_cost numeric not null,
    contracted_cost numeric not null,
    list_cost numeric not null,
    primary key (bill_key, sub_account_id, kind_key)
  ) with (fillfactor = 90);

  create table monthly_resource_costs (
    organization_id text collate "C" not null,
    bill_key integer not null,
    resource_key bigint not null,
    billing_currency text collate "C" not null,
    cost_rows bigint not null constraint monthly_resource_costs_rows check (cost_rows > 0),
    billed_cost numeric not null,
    effective_cost numeric not null,
    contracted_cost numeric not null,
    list_cost numeric not null,
    primary key (bill_key, resource_key, billing_currency)
  ) with (fillfactor = 90);

  -- The cost rows in words, for people and for other read models.
  create view daily_costs as
    select f.organization_id, b.data_source_id, b.billing_period, f.charge_date, r.id as resource_id,
      r.account_id as sub_account_id, k.charge_category, k.charge_class, k.service_name, k.region_id, k.consumed_unit,
      k.billing_currency, f.consumed_quantity, f.billed_cost, f.effective_cost, f.contracted_cost, f.list_cost
    from daily_cost_facts f
    join billing_periods b on b.key = f.bill_key
    join charge_kinds k on k.key = f.kind_key
    join resources r on r.key = f.resource_key;
`;

/** Bills, their resources, and what these cost a day. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(BILLS);
  await knex.raw(RESOURCES);
  await knex.raw(COSTS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop view daily_costs;
    drop table monthly_resource_costs, monthly_service_costs, daily_service_costs, daily_cost_facts, charge_kinds, tag_keys, resource_periods,
      resources, billing_periods
  `);
}
