import type { Knex } from 'knex';

const TABLES = `
  create table data_sources (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    cloud text not null,
    kind text not null constraint data_sources_kind check (kind in ('root', 'linked')),
    name text not null,
    account_id text collate "C" not null,
    credentials_kind text not null,
    export jsonb,
    linked_accounts text not null constraint data_sources_linked_accounts check (linked_accounts in ('all', 'connected')),
    import_interval_minutes integer not null,
    initial_months integer not null,
    state text not null constraint data_sources_state check (state in ('active', 'paused', 'deleting', 'deleted')),
    schedule_version integer not null default 0,
    version integer not null default 1,
    fence bigint not null default 0,
    next_due_at timestamptz,
    last_at timestamptz not null,
    last_attempt_at timestamptz,
    last_success_at timestamptz,
    last_error jsonb,
    warnings jsonb not null default '[]',
    created_at timestamptz not null,
    unique (organization_id, id)
  );
  create unique index data_sources_account_once on data_sources (organization_id, cloud, account_id)
    where state <> 'deleted';
  create unique index data_sources_name_once on data_sources (organization_id, lower(name)) where state <> 'deleted';

  create table data_source_credentials (
    organization_id text collate "C" not null,
    data_source_id text collate "C" primary key,
    sealed bytea not null,
    key_id text not null,
    updated_at timestamptz not null,
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id)
  );

  create table credential_checks (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    data_source_id text collate "C" not null,
    purpose text not null constraint credential_checks_purpose check (purpose in ('connect', 'update')),
    request jsonb not null,
    actor jsonb not null,
    pending_secret_id text collate "C",
    operation_id text collate "C" not null,
    state text not null constraint credential_checks_state
      check (state in ('checking', 'succeeded', 'failed', 'expired')),
    error jsonb,
    version integer not null default 1,
    next_due_at timestamptz,
    last_at timestamptz not null,
    created_at timestamptz not null,
    foreign key (organization_id, operation_id) references operations (organization_id, id)
  );

  create table billing_imports (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    operation_id text collate "C" not null,
    cause text not null constraint billing_imports_cause check (cause in ('first', 'schedule', 'request')),
    requested_months text[],
    state text not null constraint billing_imports_state
      check (state in ('scheduled', 'running', 'completed', 'failed', 'cancelled')),
    cancel_requested_at timestamptz,
    fence bigint,
    attempts integer not null default 0,
    periods jsonb,
    summary jsonb,
    error jsonb,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    unique (organization_id, id),
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id),
    foreign key (organization_id, operation_id) references operations (organization_id, id)
  );
  create unique index billing_imports_one_running on billing_imports (data_source_id) where state = 'running';
  create unique index billing_imports_one_waiting on billing_imports (data_source_id) where state = 'scheduled';
  create index billing_imports_by_source on billing_imports (data_source_id, id desc);

  create table billing_import_files (
    organization_id text collate "C" not null,
    import_id text collate "C" not null,
    billing_period date not null,
    position integer not null,
    object_key text not null,
    etag text not null,
    sha256 text not null,
    size_bytes bigint not null,
    rows bigint not null,
    split_rows bigint not null,
    taken jsonb not null,
    skipped_accounts jsonb not null,
    primary key (import_id, billing_period, position),
    foreign key (organization_id, import_id) references billing_imports (organization_id, id)
  );

  create table billing_import_periods (
    organization_id text collate "C" not null,
    import_id text collate "C" not null,
    billing_period date not null,
    outcome text not null constraint billing_import_periods_outcome check (outcome in ('unchanged', 'replaced')),
    completeness text not null,
    reconciliation jsonb not null,
    differences jsonb not null,
    at timestamptz not null,
    primary key (import_id, billing_period),
    foreign key (organization_id, import_id) references billing_imports (organization_id, id)
  );

  create table billing_periods (
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
    imported_at timestamptz not null,
    primary key (data_source_id, billing_period),
    unique (organization_id, data_source_id, billing_period),
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id)
  );

  create table resources (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    cloud text not null,
    account_id text collate "C" not null,
    native_id text collate "C" not null,
    is_named_line boolean not null,
    resource_name text not null,
    resource_type text not null,
    service_name text not null,
    region_id text not null,
    tags jsonb not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    unique (organization_id, id),
    constraint resources_native_id_once unique (organization_id, cloud, account_id, native_id)
  );

  create table resource_periods (
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    billing_period date not null,
    resource_id text collate "C" not null,
    resource_name text not null,
    resource_type text not null,
    service_name text not null,
    region_id text not null,
    tags jsonb not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (data_source_id, billing_period, resource_id),
    foreign key (organization_id, resource_id) references resources (organization_id, id),
    foreign key (organization_id, data_source_id, billing_period)
      references billing_periods (organization_id, data_source_id, billing_period)
  );
  create index resource_periods_by_resource on resource_periods (organization_id, resource_id);

  create table daily_costs (
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    billing_period date not null,
    charge_date date not null,
    resource_id text collate "C" not null,
    sub_account_id text collate "C" not null,
    charge_category text collate "C" not null,
    charge_class text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    consumed_unit text collate "C" not null,
    billing_currency text collate "C" not null,
    consumed_quantity numeric(38, 24) not null,
    billed_cost numeric(38, 24) not null,
    effective_cost numeric(38, 24) not null,
    contracted_cost numeric(38, 24) not null,
    list_cost numeric(38, 24) not null,
    primary key (data_source_id, billing_period, resource_id, charge_date, charge_category, charge_class,
      service_name, region_id, consumed_unit, billing_currency)
  );
  create index daily_costs_by_date on daily_costs (organization_id, charge_date);
  create index daily_costs_by_resource on daily_costs (organization_id, resource_id, charge_date);

  -- Roll-ups, kept in the import's transaction: without resources, and by resource and billing period.
  create table daily_service_costs (
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    billing_period date not null,
    charge_date date not null,
    sub_account_id text collate "C" not null,
    charge_category text collate "C" not null,
    charge_class text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    billing_currency text collate "C" not null,
    billed_cost numeric(38, 24) not null,
    effective_cost numeric(38, 24) not null,
    contracted_cost numeric(38, 24) not null,
    list_cost numeric(38, 24) not null,
    primary key (data_source_id, billing_period, charge_date, sub_account_id, charge_category, charge_class,
      service_name, region_id, billing_currency)
  );
  create index daily_service_costs_by_period on daily_service_costs (organization_id, billing_period);
  create index daily_service_costs_by_date on daily_service_costs (organization_id, charge_date);

  create table monthly_resource_costs (
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    billing_period date not null,
    resource_id text collate "C" not null,
    billing_currency text collate "C" not null,
    billed_cost numeric(38, 24) not null,
    effective_cost numeric(38, 24) not null,
    contracted_cost numeric(38, 24) not null,
    list_cost numeric(38, 24) not null,
    primary key (data_source_id, billing_period, resource_id, billing_currency)
  );
  create index monthly_resource_costs_by_period on monthly_resource_costs (organization_id, billing_period);
  create index monthly_resource_costs_by_resource on monthly_resource_costs (organization_id, resource_id);
`;

/** Data sources, imports, and the current generation of each (data source, billing period). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table monthly_resource_costs, daily_service_costs, daily_costs, resource_periods, resources, billing_periods,
      billing_import_periods, billing_import_files, billing_imports, credential_checks, data_source_credentials,
      data_sources
  `);
}
