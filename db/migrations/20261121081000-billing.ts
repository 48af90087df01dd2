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
    schedule_applied text not null default 'none',
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
    automatic boolean not null,
  requested_months text[] not null,
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
`;

/** Data sources, and their imports. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table billing_import_periods, billing_import_files, billing_imports, credential_checks, data_source_credentials,
      data_sources
  `);
}
