import type { Knex } from 'knex';

const TABLES = `
  create table organizations (
    id text collate "C" primary key,
    name text not null,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null
  );

  create table users (
    id text collate "C" primary key,
    email text not null,
    display_name text not null,
    password_hash text,
    platform_administrator boolean not null default false,
    disabled_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null
  );
  create unique index users_email_unique on users (lower(email));

  create table memberships (
    organization_id text collate "C" not null references organizations (id),
    user_id text collate "C" not null references users (id),
    role text not null constraint memberships_role check (role in ('manager', 'engineer', 'member')),
    version integer not null default 1,
    created_at timestamptz not null,
    primary key (organization_id, user_id)
  );
  create index memberships_by_user on memberships (user_id);

  create table sessions (
    token_hash bytea primary key,
    user_id text collate "C" not null references users (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
  );
  create index sessions_by_user on sessions (user_id);

  create table api_tokens (
    id text collate "C" primary key,
    user_id text collate "C" not null references users (id) on delete cascade,
    organization_id text collate "C" references organizations (id),
    name text not null,
    token_hash bytea not null unique,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
  );
  create index api_tokens_by_user on api_tokens (user_id, created_at desc);

  -- The table rate-limiter-flexible asks for.
  create table login_attempts (key varchar(255) primary key, points integer not null default 0, expire bigint);

  create table ledger (
    id text collate "C" primary key,
    organization_id text collate "C" references organizations (id),
    at timestamptz not null,
    due_at timestamptz,
    subject text collate "C" not null,
    action text not null,
    actor_kind text not null constraint ledger_actor_kind check (actor_kind in ('person', 'system')),
    actor_id text collate "C",
    actor_name text not null,
    before jsonb,
    after jsonb,
    workflow_id text,
    request_id text,
    outcome_key text collate "C" constraint ledger_outcome_once unique
  );
  create index ledger_by_organization on ledger (organization_id, id desc);
  create index ledger_by_subject on ledger (subject, id desc);

  create table wake_ups (
    workflow_id text collate "C" primary key,
    kind text not null,
    entity_id text collate "C" not null,
    organization_id text collate "C" not null,
    generation bigint not null default 1,
    requested_at timestamptz not null,
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    last_error text
  );
  create index wake_ups_due on wake_ups (next_attempt_at);

  create table operations (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    kind text not null,
    subject_id text collate "C" not null,
    workflow_id text not null,
    state text not null constraint operations_state
      check (state in ('pending', 'running', 'completed', 'failed', 'cancelled')),
    progress jsonb not null default '{}',
    result jsonb,
    error jsonb,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    done_at timestamptz,
    unique (organization_id, id)
  );

  create table pending_secrets (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    sealed bytea not null,
    key_id text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    unique (organization_id, id)
  );

  create table idempotency_records (
    actor text collate "C" not null,
    key text collate "C" not null,
    request_hash bytea not null,
    status integer not null,
    headers jsonb not null,
    body jsonb,
    holds_secret boolean not null default false,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (actor, key)
  );
  create index idempotency_records_expired on idempotency_records (expires_at);
`;

/** People, organizations, the ledger, wake-ups, operations, secrets in passing and idempotency. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table idempotency_records, pending_secrets, operations, wake_ups, ledger, login_attempts, api_tokens,
      sessions, memberships, users, organizations
  `);
}
