import type { Knex } from 'knex';

const SCHEDULES = `
  create table power_schedules (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    name text not null,
    description text not null default '',
    -- The rule as domain/power-schedules/schedule-rule.ts has it.
    rule jsonb not null,
    time_zone text collate "C" not null,
    valid_from timestamptz,
    valid_until timestamptz,
    -- {"Team": "web"}: instances with all these tags belong to it; null for none.
    tag_selector jsonb,
    enabled boolean not null,
    -- Fires up to here have been dealt with.
    processed_until timestamptz not null,
    -- The next fire of an enabled schedule: what the sweep looks for.
    next_due_at timestamptz,
    last_fire jsonb,
    last_run_id text collate "C",
    created_by jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id)
  );
  create unique index power_schedules_name_once on power_schedules (organization_id, lower(name));
  create index power_schedules_due on power_schedules (next_due_at) where next_due_at is not null;

  create table power_schedule_members (
    organization_id text collate "C" not null,
    -- One schedule a resource.
    resource_id text collate "C" constraint power_schedule_members_one_schedule primary key,
    schedule_id text collate "C" not null,
    attached_by text not null constraint power_schedule_members_attached_by check (attached_by in ('person', 'selector')),
    attached_at timestamptz not null,
    foreign key (organization_id, resource_id) references instances (organization_id, resource_id),
    foreign key (organization_id, schedule_id) references power_schedules (organization_id, id)
  );
  create index power_schedule_members_by_schedule on power_schedule_members (schedule_id, resource_id);
`;

const POWER = `
  -- Who wants what of an instance, from when to when. A claim that has ended is deleted; the ledger and runs keep the past.
  create table power_claims (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    resource_id text collate "C" not null,
    source text collate "C" not null constraint power_claims_source check (source in ('hold', 'booking', 'schedule')),
    -- The schedule, the booking, or who holds.
    source_id text collate "C" not null,
    wanted text collate "C" not null constraint power_claims_wanted check (wanted in ('on', 'off')),
    from_at timestamptz not null,
    until_at timestamptz,
    -- A hold that the next trigger of the resource's schedule ends.
    until_next_trigger boolean not null default false,
    reason text not null default '',
    -- Who or what made it: a person, the cloud's own console, a trigger.
    origin jsonb not null,
    created_at timestamptz not null,
    constraint power_claims_period check (until_at is null or until_at > from_at),
    foreign key (organization_id, resource_id) references instances (organization_id, resource_id)
  )
  -- Here and below: no index holds what a fire or a look changes, so that the new row stays on its page (HOT).
  with (fillfactor = 60);
  create unique index power_claims_one_hold on power_claims (resource_id) where source = 'hold';
  create unique index power_claims_one_schedule on power_claims (resource_id) where source = 'schedule';
  create index power_claims_by_resource on power_claims (resource_id);
  create index power_claims_by_source on power_claims (source_id);

  -- What the claims add up to. The one place that says what an instance is meant to be.
  create table power_states (
    resource_id text collate "C" primary key,
    organization_id text collate "C" not null,
    wanted text collate "C" constraint power_states_wanted check (wanted in ('on', 'off')),
    -- Grows with each new wish; calls made for an older one drop out.
    wanted_generation bigint not null default 0,
    wanted_since timestamptz not null,
    decided_by text collate "C",
    decided_by_id text collate "C",
    -- The newest generation whose wish was observed: from then on another state is somebody's doing.
    settled_generation bigint not null default 0,
    settled_at timestamptz,
    -- The next start or end of one of its claims.
    next_due_at timestamptz,
    foreign key (organization_id, resource_id) references instances (organization_id, resource_id)
  ) with (fillfactor = 60);
  create index power_states_due on power_states (next_due_at) where next_due_at is not null;

  create table power_runs (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    cause text collate "C" not null constraint power_runs_cause
      check (cause in ('trigger', 'claim', 'run-now', 'apply-now', 'start', 'stop', 'release')),
    requested_by jsonb not null,
    operation_id text collate "C",
    state text collate "C" not null constraint power_runs_state check (state in ('running', 'completed', 'failed')),
    -- Its items in portions, each of one data source: [{slot, dataSourceId, open, nextAttemptAt}].
    slots jsonb not null,
    counts jsonb not null,
    due_at timestamptz not null,
    next_due_at timestamptz,
    version integer not null default 1,
    last_at timestamptz not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    unique (organization_id, id)
  );
  create index power_runs_by_organization on power_runs (organization_id, id desc);

  create table power_run_items (
    run_id text collate "C" not null,
    position integer not null,
    organization_id text collate "C" not null,
    resource_id text collate "C" not null,
    data_source_id text collate "C" not null,
    schedule_id text collate "C",
    slot integer not null,
    -- The fire that made it: its instant and its local time; null for a person's wish or a claim's edge.
    due_at timestamptz not null,
    local_time text,
    -- 'gap' where that local time was left out by a clock change, and the local times it acted in place of: [{localTime, wanted}].
    moved text constraint power_run_items_moved check (moved in ('gap')),
    superseded jsonb not null default '[]',
    action text collate "C" not null constraint power_run_items_action check (action in ('on', 'off')),
    generation bigint not null,
    state text collate "C" not null constraint power_run_items_state
      check (state in ('open', 'settled', 'superseded', 'overruled', 'failed')),
    observed text collate "C",
    observed_at timestamptz,
    attempts integer not null default 0,
    -- When the newest call was made, and the cloud's long-running operation it answered with.
    called_at timestamptz,
    operation text,
    last_error jsonb,
    detail text,
    next_attempt_at timestamptz,
    deadline_at timestamptz not null,
    finished_at timestamptz,
    primary key (run_id, position),
    foreign key (organization_id, run_id) references power_runs (organization_id, id)
  ) with (fillfactor = 50);
  create index power_run_items_by_slot on power_run_items (run_id, slot) where state = 'open';
  create index power_run_items_by_resource on power_run_items (resource_id, due_at desc);
  create index power_run_items_by_schedule on power_run_items (schedule_id, run_id desc) where schedule_id is not null;
`;

/** Power schedules, claims on instances, and the runs that carry them out. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(SCHEDULES);
  await knex.raw(POWER);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table power_run_items, power_runs, power_states, power_claims, power_schedule_members, power_schedules
  `);
}
