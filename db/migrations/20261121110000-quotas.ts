import type { Knex } from 'knex';

const TABLES = `
  -- What an organization has to share out among its projects. Null: unlimited. No row: all unlimited.
  create table quota_capacities (
    organization_id text collate "C" primary key references organizations (id),
    gpu numeric(15, 6) check (gpu >= 0),
    cpu numeric(15, 6) check (cpu >= 0),
    ram_gib numeric(15, 6) check (ram_gib >= 0),
    -- What an hour of one costs; all of them or none.
    currency text collate "C",
    gpu_hour numeric(24, 12),
    cpu_hour numeric(24, 12),
    ram_gib_hour numeric(24, 12),
    version integer not null default 1,
    last_at timestamptz not null,
    constraint quota_capacities_prices check (num_nulls(currency, gpu_hour, cpu_hour, ram_gib_hour) in (0, 4))
  );

  -- What each project was granted, and the sums of its allocations. The table of projects adds the foreign key.
  create table project_quotas (
    organization_id text collate "C" not null references organizations (id),
    project_id text collate "C" not null,
    gpu numeric(15, 6) not null,
    -- Null: unlimited.
    cpu numeric(15, 6),
    ram_gib numeric(15, 6),
    since timestamptz not null,
    -- Planned end of the buffer, exclusive. The grant counts until it is released.
    until timestamptz not null,
    released_at timestamptz,
    held_gpu numeric(24, 6) not null default 0,
    held_cpu numeric(24, 6) not null default 0,
    held_ram_gib numeric(24, 6) not null default 0,
    used_gpu numeric(24, 6) not null default 0,
    used_cpu numeric(24, 6) not null default 0,
    used_ram_gib numeric(24, 6) not null default 0,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    primary key (organization_id, project_id),
    constraint project_quotas_period check (until > since),
    constraint project_quotas_not_negative check (least(held_gpu, held_cpu, held_ram_gib, used_gpu, used_cpu, used_ram_gib) >= 0),
    -- Never above the quota, whatever the code does.
    constraint project_quotas_gpu check (held_gpu + used_gpu <= gpu),
    constraint project_quotas_cpu check (held_cpu + used_cpu <= cpu),
    constraint project_quotas_ram_gib check (held_ram_gib + used_ram_gib <= ram_gib),
    constraint project_quotas_released_empty check (
      released_at is null or greatest(held_gpu, held_cpu, held_ram_gib, used_gpu, used_cpu, used_ram_gib) = 0
    )
  ) with (fillfactor = 70);
  create unique index project_quotas_by_project on project_quotas (project_id);
  create index project_quotas_unreleased on project_quotas (organization_id, since) where released_at is null;

  -- Parts of a project's quota, each held or used by a row of another domain.
  create table quota_allocations (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    project_id text collate "C" not null,
    owner_kind text collate "C" not null,
    owner_id text collate "C" not null,
    user_id text collate "C" not null references users (id),
    state text collate "C" not null constraint quota_allocations_state check (state in ('held', 'committed', 'released')),
    gpu numeric(15, 6) not null check (gpu >= 0),
    cpu numeric(15, 6) not null check (cpu >= 0),
    ram_gib numeric(15, 6) not null check (ram_gib >= 0),
    expires_at timestamptz,
    released_at timestamptz,
    release_reason text collate "C",
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    foreign key (organization_id, project_id) references project_quotas (organization_id, project_id),
    constraint quota_allocations_expires check ((state = 'held') = (expires_at is not null)),
    constraint quota_allocations_released check ((state = 'released') = (released_at is not null) and (released_at is null) = (release_reason is null)),
    constraint quota_allocations_something check (greatest(gpu, cpu, ram_gib) > 0)
  );
  -- An owner takes once.
  create unique index quota_allocations_owner_once on quota_allocations (organization_id, owner_kind, owner_id) where state <> 'released';
  create index quota_allocations_open on quota_allocations (organization_id, project_id) where state <> 'released';
  create index quota_allocations_ended on quota_allocations (released_at) where released_at is not null;
  create index quota_allocations_expiring on quota_allocations (expires_at) where state = 'held';
`;

/** Quotas of projects: what an organization has, who was granted how much of it, and what takes a part of that. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table quota_allocations, project_quotas, quota_capacities`);
}
