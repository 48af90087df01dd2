import type { Knex } from 'knex';

const TABLES = `
  create table project_purposes (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    name text not null,
    description text not null,
    -- What one project may have; null for no limit.
    max_gpu numeric,
    max_cpu numeric,
    max_ram_gib numeric,
    max_days integer,
    active boolean not null,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    constraint project_purposes_limits check (max_gpu >= 0 and max_cpu >= 0 and max_ram_gib >= 0 and max_days > 0)
  );
  create unique index project_purposes_name_once on project_purposes (organization_id, lower(name));
  -- A purpose that a project has cannot be deleted, whatever the code does.
  alter table projects add constraint projects_purpose
    foreign key (organization_id, purpose_id) references project_purposes (organization_id, id);

  create table review_settings (
    organization_id text collate "C" primary key references organizations (id),
    escalate_after_days integer not null,
    expire_after_days integer not null,
    version integer not null,
    last_at timestamptz not null,
    constraint review_settings_order check (0 < escalate_after_days and escalate_after_days < expire_after_days)
  );

  create table applications (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    type text collate "C" not null constraint applications_type check (type in ('project', 'period-extension', 'gpu-quota')),
    project_id text collate "C" not null,
    state text collate "C" not null constraint applications_state
      check (state in ('reviewing', 'approved', 'declined', 'revoked', 'expired')),
    applicant_user_id text collate "C" not null references users (id),
    reason text not null,
    remark text,
    -- Inclusive local dates of the project.
    start_date date not null,
    end_date date not null,
    extension_days integer,
    next_start_date date,
    next_end_date date,
    additional_gpus numeric,
    old_gpus numeric,
    new_gpus numeric,
    -- Of a project: what it is to have; exact decimal texts.
    quota jsonb,
    delegate_user_id text collate "C" references users (id),
    escalates_at timestamptz not null,
    escalated_at timestamptz,
    expires_at timestamptz not null,
    decided_at timestamptz,
    decided_by jsonb,
    -- Null where nobody decided in time.
    decided_as text collate "C" constraint applications_decided_as check (decided_as in ('manager', 'platform-administrator', 'applicant')),
    next_due_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    constraint applications_decision check ((state = 'reviewing') = (decided_at is null) and (decided_at is null) = (decided_by is null)
      and (decided_as is null) = (state in ('reviewing', 'expired'))),
    constraint applications_remark check (state <> 'declined' or remark <> ''),
    constraint applications_deadlines check (escalates_at < expires_at and (state = 'reviewing') = (next_due_at is not null)),
    constraint applications_of_type check (
      (type = 'project') = (quota is not null)
      and (type = 'period-extension') = (extension_days > 0 and next_start_date is not null and next_end_date is not null)
      and (type = 'gpu-quota') = (additional_gpus > 0 and new_gpus = old_gpus + additional_gpus)
    ),
    foreign key (organization_id, project_id) references projects (organization_id, id)
  );
  -- One project has at most one open application of a type, whatever the code does.
  create unique index applications_one_open on applications (project_id, type) where state = 'reviewing';
  create index applications_by_organization on applications (organization_id, created_at desc, id desc);
  create index applications_by_applicant on applications (organization_id, applicant_user_id, created_at desc);
  create index applications_by_project on applications (project_id, created_at desc);
  create index applications_due on applications (next_due_at) where next_due_at is not null;
`;

/** What projects are for, how long reviews wait, and applications for projects, more days and more GPUs. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table projects drop constraint projects_purpose; drop table applications, review_settings, project_purposes`);
}
