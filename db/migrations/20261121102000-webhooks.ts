import type { Knex } from 'knex';

const TABLES = `
  create table webhooks (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    -- Null: told of every environment of the organization.
    environment_id text collate "C",
    name text not null,
    url text not null,
    events text[] not null,
    -- Names alone; the values are sealed.
    header_names text[] not null,
    -- Signing secrets and header values, as domain/webhooks/webhook.ts has them, bound to the id.
    sealed bytea not null,
    key_id text not null,
    -- Until when the secret before the current one signs beside it.
    previous_secret_until timestamptz,
    enabled boolean not null,
    disabled_because text constraint webhooks_disabled_because check (disabled_because in ('person', 'gone')),
    -- The first failure after the last success.
    failing_since timestamptz,
    last_success_at timestamptz,
    last_failure jsonb,
    created_by jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    deleted_at timestamptz,
    unique (organization_id, id),
    constraint webhooks_disabled_for_a_reason check (enabled = (disabled_because is null)),
    foreign key (organization_id, environment_id) references environments (organization_id, id)
  );
  create index webhooks_by_organization on webhooks (organization_id, id) where deleted_at is null;

  create table webhook_deliveries (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    webhook_id text collate "C" not null,
    -- What receivers know it by: the same for all attempts and replays.
    message_id text collate "C" not null,
    replay_of text collate "C",
    event_type text collate "C" not null,
    -- The bytes that are signed and sent, so text and not jsonb.
    payload text not null,
    state text collate "C" not null constraint webhook_deliveries_state
      check (state in ('pending', 'delivered', 'failed', 'cancelled')),
    outcome text collate "C" constraint webhook_deliveries_outcome
      check (outcome in ('delivered', 'given-up', 'gone', 'webhook-disabled', 'webhook-deleted')),
    attempts integer not null default 0,
    next_due_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    ended_at timestamptz,
    unique (organization_id, id),
    constraint webhook_deliveries_ends_named check ((state = 'pending') = (outcome is null)),
    foreign key (organization_id, webhook_id) references webhooks (organization_id, id)
  );
  create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, id desc);
  create index webhook_deliveries_due on webhook_deliveries (next_due_at) where next_due_at is not null;
  create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null;

  create table webhook_attempts (
    delivery_id text collate "C" not null,
    number integer not null,
    organization_id text collate "C" not null,
    at timestamptz not null,
    duration_ms integer not null,
    -- Null when there was no answer.
    status integer,
    -- The first 4 KB.
    answer text,
    error jsonb,
    primary key (delivery_id, number),
    foreign key (organization_id, delivery_id) references webhook_deliveries (organization_id, id) on delete cascade
  );
`;

/** Webhooks, what is sent to them, and each attempt. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table webhook_attempts, webhook_deliveries, webhooks`);
}
