import type { Knex } from 'knex';

const TABLES = `
  create table projects (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    -- Shown to people.
    code text collate "C" not null,
    name text not null,
    description text not null,
    purpose_id text collate "C",
    -- IANA name: dates are days there.
    time_zone text collate "C" not null,
    -- First and last local date, inclusive, and the same as [start 00:00, day after end 00:00).
    start_date date not null,
    end_date date not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    -- The first period and one for each extension: start_date, end_date, application_id.
    periods jsonb not null,
    state text collate "C" not null constraint projects_state
      check (state in ('reviewing', 'declined', 'scheduled', 'active', 'buffer', 'releasing', 'released', 'deleted')),
    state_reason text collate "C" constraint projects_state_reason check (state_reason in ('declined', 'revoked', 'expired')),
    -- Null for CPU or RAM: not limited.
    quota_gpu numeric(15, 6) not null,
    quota_cpu numeric(15, 6),
    quota_ram_gib numeric(15, 6),
    -- Days before the end on which managers are warned, descending.
    warn_days integer[] not null,
    approved_at timestamptz,
    started_at timestamptz,
    -- Notices up to here have been sent or passed over.
    noticed_until timestamptz,
    -- Of a scheduled one whose start has come: since when it waits for capacity, and for which projects.
    waiting_since timestamptz,
    waiting_for text[] not null default '{}',
    buffer_number integer not null default 0,
    buffer_entered_at timestamptz,
    buffer_reason text collate "C" constraint projects_buffer_reason check (buffer_reason in ('expired', 'deleted')),
    buffer_ends_at timestamptz,
    pending_extension_id text collate "C",
    release_held_until timestamptz,
    released_at timestamptz,
    created_by jsonb not null,
    next_due_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    constraint projects_code_once unique (organization_id, code),
    constraint projects_dates check (end_date >= start_date and ends_at > starts_at),
    constraint projects_buffer check (
      (state in ('buffer', 'releasing', 'released', 'deleted')) = (buffer_ends_at is not null)
      and (buffer_ends_at is null) = (buffer_reason is null)
      and (buffer_ends_at is null) = (buffer_entered_at is null)
    ),
    constraint projects_declined check ((state = 'declined') = (state_reason is not null)),
    constraint projects_released check ((state in ('released', 'deleted')) = (released_at is not null)),
    constraint projects_open_due check ((state in ('scheduled', 'active', 'buffer', 'releasing')) = (next_due_at is not null))
  );
  create index projects_by_name on projects (organization_id, lower(name), id);
  create index projects_by_end on projects (organization_id, end_date, id);
  create index projects_by_creation on projects (organization_id, created_at, id);
  create index projects_waiting on projects (organization_id) where waiting_since is not null;
  create index projects_due on projects (next_due_at) where next_due_at is not null;

  create table project_members (
    organization_id text collate "C" not null,
    project_id text collate "C" not null,
    user_id text collate "C" not null references users (id),
    role text collate "C" not null constraint project_members_role check (role in ('manager', 'member')),
    primary key (project_id, user_id),
    foreign key (organization_id, project_id) references projects (organization_id, id)
  );
  create index project_members_by_user on project_members (organization_id, user_id);

  -- The parts of a release, one an owner: each its own attempts, so that one that fails holds up no other.
  create table project_release_steps (
    organization_id text collate "C" not null,
    project_id text collate "C" not null,
    buffer_number integer not null,
    owner text collate "C" not null,
    state text collate "C" not null constraint project_release_steps_state check (state in ('pending', 'released')),
    attempts integer not null,
    next_attempt_at timestamptz,
    last_error jsonb,
    -- What was let go of: count, ids.
    released jsonb,
    ended_at timestamptz,
    primary key (project_id, buffer_number, owner),
    constraint project_release_steps_end check ((state = 'released') = (ended_at is not null) and (state = 'pending') = (next_attempt_at is not null)),
    foreign key (organization_id, project_id) references projects (organization_id, id)
  );

  -- Codes by which somebody confirms a deletion. The newest of a person counts; of a code only its hash is kept.
  create table project_deletion_codes (
    organization_id text collate "C" not null,
    project_id text collate "C" not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    code_hash text not null,
    tries_left integer not null constraint project_deletion_codes_tries check (tries_left >= 0),
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null,
    primary key (project_id, user_id),
    foreign key (organization_id, project_id) references projects (organization_id, id)
  );

  create index bookings_by_project on bookings (organization_id, project_id, environment_id) where project_id is not null;
  alter table bookings add constraint bookings_project foreign key (organization_id, project_id) references projects (organization_id, id);
  alter table project_quotas add constraint project_quotas_project foreign key (organization_id, project_id) references projects (organization_id, id);
`;

/** Projects, who is in them, the parts of their releases, and what belongs to them. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table project_quotas drop constraint project_quotas_project;
    alter table bookings drop constraint bookings_project;
    drop index bookings_by_project;
    drop table project_deletion_codes, project_release_steps, project_members, projects`);
}
