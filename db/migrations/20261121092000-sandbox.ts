import type { Knex } from 'knex';

const TABLES = `
  -- How a sandbox behaves, once somebody changed it: see domain/sandbox/account.ts.
  create table sandbox_accounts (
    organization_id text collate "C" not null references organizations (id),
    account_id text collate "C" not null,
    operations boolean not null,
    refuses_whole_batches boolean not null,
    prices jsonb not null,
    version integer not null,
    primary key (organization_id, account_id)
  );

  create table sandbox_scaling_groups (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    account_id text collate "C" not null,
    name text not null,
    replaced_after_seconds integer not null constraint sandbox_scaling_groups_delay check (replaced_after_seconds >= 0),
    version integer not null default 1,
    created_at timestamptz not null,
    unique (organization_id, account_id, id)
  );
  create unique index sandbox_scaling_groups_name_once on sandbox_scaling_groups (organization_id, account_id, lower(name));

  create table sandbox_instances (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    account_id text collate "C" not null,
    name text not null,
    instance_type text collate "C" not null,
    region_id text collate "C" not null,
    zone text collate "C" not null,
    tags jsonb not null,
    boot_seconds integer not null constraint sandbox_instances_boot_seconds check (boot_seconds >= 0),
    stop_seconds integer not null constraint sandbox_instances_stop_seconds check (stop_seconds >= 0),
    scaling_group_id text collate "C",
    spot text collate "C" not null constraint sandbox_instances_spot check (spot in ('none', 'persistent', 'one-time')),
    stop_protection boolean not null,
    instance_store_root boolean not null,
    local_ssd boolean not null,
    state text collate "C" not null
      constraint sandbox_instances_state check (state in ('starting', 'running', 'stopping', 'stopped')),
    state_reason text,
    state_since timestamptz not null,
    -- Where it gets by itself, and when.
    next_at timestamptz,
    next_state text collate "C",
    next_reason text,
    next_failure text collate "C",
    failure text collate "C",
    operation text collate "C",
    start_key text collate "C",
    stop_key text collate "C",
    launched_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    constraint sandbox_instances_next_has_both check ((next_at is null) = (next_state is null)),
    foreign key (organization_id, account_id, scaling_group_id) references sandbox_scaling_groups (organization_id, account_id, id)
  )
  -- No index holds what a start or stop changes, so that the new row stays on its page (HOT).
  with (fillfactor = 60);
  create index sandbox_instances_by_region on sandbox_instances (organization_id, account_id, region_id, id);
  create index sandbox_instances_by_group on sandbox_instances (scaling_group_id) where scaling_group_id is not null;

  create table sandbox_faults (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    account_id text collate "C" not null,
    kind text collate "C" not null,
    action text collate "C",
    region_id text collate "C",
    instance_type text collate "C",
    instance_id text collate "C",
    remaining integer,
    percent integer not null constraint sandbox_faults_percent check (percent between 1 and 100),
    seed integer not null,
    met integer not null default 0,
    struck integer not null default 0,
    retry_after_seconds integer,
    message text,
    created_at timestamptz not null
  );
  create index sandbox_faults_by_account on sandbox_faults (organization_id, account_id, id);

  -- Every call, one line an instance for starts and stops.
  create table sandbox_calls (
    number bigint generated always as identity primary key,
    organization_id text collate "C" not null,
    account_id text collate "C" not null,
    at timestamptz not null,
    via text collate "C" not null constraint sandbox_calls_via check (via in ('api', 'console')),
    action text collate "C" not null,
    region_id text collate "C",
    instance_id text collate "C",
    instance_name text,
    batch integer not null,
    request_key text collate "C",
    outcome text collate "C" not null,
    changed boolean not null,
    detail text
  );
  create index sandbox_calls_by_account on sandbox_calls (organization_id, account_id, number);
`;

/** The cloud inside the product: its instances, what goes wrong in it, and who called it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table sandbox_calls, sandbox_faults, sandbox_instances, sandbox_scaling_groups, sandbox_accounts`);
}
