import type { Knex } from 'knex';

const DATA_SOURCES = `
  -- What identifies the account with its cloud, without secrets: see domain/data-sources/cloud-ports.ts.
  alter table data_sources add column connection jsonb not null default '{}';
  alter table data_sources add column discovery_interval_minutes integer not null default 10;
  alter table data_sources add column discovery_schedule_applied text not null default 'none';
  -- The discovery that runs or waits for its turn, and the one that comes after it: domain/data-sources/discovery.ts.
  alter table data_sources add column discovery_current jsonb;
  alter table data_sources add column discovery_next jsonb;
  alter table data_sources add column last_discovery_attempt_at timestamptz;
  alter table data_sources add column last_discovery_success_at timestamptz;
  alter table data_sources add column last_discovery_error jsonb;
  -- An account whose bills cannot be imported yet.
  alter table data_sources drop constraint data_sources_kind;
  alter table data_sources add constraint data_sources_kind check (kind in ('root', 'linked', 'account'));
`;

const INSTANCES = `
  -- What each resource type of a data source could be read from, and why not.
  create table discovery_scopes (
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    resource_type text collate "C" not null,
    scope text collate "C" not null,
    status text not null constraint discovery_scopes_status check (status in ('listed', 'failed')),
    error jsonb,
    resources integer not null,
    last_attempt_at timestamptz not null,
    last_success_at timestamptz,
    primary key (data_source_id, resource_type, scope),
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id)
  );

  -- What discovery and power runs see of a resource that is an instance. One row a resource, kept when it is gone.
  create table instances (
    resource_id text collate "C" primary key,
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    cloud text collate "C" not null,
    account_id text collate "C" not null,
    native_id text collate "C" not null,
    instance_name text collate "C" not null,
    instance_type text collate "C" not null,
    region_id text collate "C" not null,
    zone text collate "C",
    scope text collate "C" not null,
    handle jsonb not null,
    -- As the cloud writes them, and by normalised key, as resources.tags has them.
    tags jsonb not null,
    resource_tags jsonb not null,
    state text collate "C" not null,
    state_reason text,
    observed_at timestamptz not null,
    launched_at timestamptz,
    -- As the cloud says and, with local disks, as a person chose.
    can_stop boolean not null,
    cannot_stop_reason text collate "C",
    cannot_stop_detail text,
    -- A person's choice: stopping may empty its local disks.
    discard_local_ssd boolean not null default false,
    price_hourly numeric,
    price_currency text collate "C",
    first_discovered_at timestamptz not null,
    last_discovered_at timestamptz not null,
    -- The data source's fencing number of the discovery that saw it last: a scope listed whole under another one lacks it.
    seen_fence bigint not null,
    gone_at timestamptz,
    version integer not null default 1,
    unique (organization_id, resource_id),
    constraint instances_native_id_once unique (organization_id, cloud, account_id, native_id),
    constraint instances_cannot_stop_says_why check (can_stop or cannot_stop_reason is not null),
    constraint instances_price_has_currency check ((price_hourly is null) = (price_currency is null)),
    foreign key (organization_id, resource_id) references resources (organization_id, id),
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id)
  ) with (fillfactor = 80);
  create index instances_by_scope on instances (data_source_id, scope) where gone_at is null;
  create index instances_by_name on instances (organization_id, instance_name, resource_id);
  create index instances_by_tags on instances using gin (tags jsonb_path_ops);
`;

const PRICES = `
  -- An organization's own price list, for where neither bill nor cloud says what an hour costs.
  create table instance_prices (
    organization_id text collate "C" not null references organizations (id),
    cloud text collate "C" not null,
    -- Empty for every region without a line of its own.
    region_id text collate "C" not null,
    instance_type text collate "C" not null,
    currency text collate "C" not null,
    hourly_price numeric not null constraint instance_prices_not_negative check (hourly_price >= 0)
  );
  create unique index instance_prices_once on instance_prices (organization_id, cloud, lower(instance_type), region_id);
`;

/** Accounts of every cloud, and the instances discovered in them. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(DATA_SOURCES);
  await knex.raw(INSTANCES);
  await knex.raw(PRICES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table instance_prices, instances, discovery_scopes`);
  await knex.raw(`
    alter table data_sources drop column connection, drop column discovery_interval_minutes,
      drop column discovery_schedule_applied, drop column discovery_current, drop column discovery_next,
      drop column last_discovery_attempt_at, drop column last_discovery_success_at, drop column last_discovery_error,
      drop constraint data_sources_kind, add constraint data_sources_kind check (kind in ('root', 'linked'))
  `);
}
