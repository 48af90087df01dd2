import type { Knex } from 'knex';
import { typeidUnboxed } from 'typeid-js';

const POOLS = `
  create table pools (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    -- Null for the organization's root.
    parent_id text collate "C",
    name text not null,
    owner_user_id text collate "C" references users (id),
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    foreign key (organization_id, parent_id) references pools (organization_id, id)
  );
  create unique index pools_one_root on pools (organization_id) where parent_id is null;
  create unique index pools_name_once on pools (parent_id, lower(name)) where parent_id is not null;
`;

const ENVIRONMENTS = `
  create table environments (
    id text collate "C" primary key,
    -- For the exclusion constraint of bookings: it compares ranges, and a number is a range of itself.
    key bigint generated always as identity unique,
    organization_id text collate "C" not null references organizations (id),
    name text not null,
    resource_type text not null,
    -- The instance or cluster that was marked as shared; null for one made by hand.
    resource_id text collate "C",
    is_active boolean not null,
    ssh_required boolean not null,
    -- Free text by key; Description, IP and Software by default.
    properties jsonb not null,
    owner_user_id text collate "C" references users (id),
    pool_id text collate "C" not null,
    -- Started before a booking by its boot time; stopped after it.
    power_on_before boolean not null default false,
    power_off_after boolean not null default false,
    -- SHA-256 of the secret in its collector_url; null when it has none.
    collector_secret_hash bytea,
    collector_secret_made_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    deleted_at timestamptz,
    unique (organization_id, id),
    unique (organization_id, key),
    constraint environments_collector_secret_made check ((collector_secret_hash is null) = (collector_secret_made_at is null)),
    foreign key (organization_id, pool_id) references pools (organization_id, id),
    foreign key (organization_id, resource_id) references resources (organization_id, id)
  );
  create unique index environments_name_once on environments (organization_id, lower(name), lower(resource_type)) where deleted_at is null;
  create index environments_by_resource on environments (organization_id, resource_id);
  create unique index environments_resource_once on environments (resource_id) where deleted_at is null and resource_id is not null;

  -- Every change of a property, with old and new value; null where there was or is none.
  create table environment_property_changes (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    environment_id text collate "C" not null,
    at timestamptz not null,
    actor jsonb not null,
    changes jsonb not null,
    foreign key (organization_id, environment_id) references environments (organization_id, id)
  );
  create index environment_property_changes_by_environment on environment_property_changes (environment_id, at desc, id desc);

  create table ssh_keys (
    id text collate "C" primary key,
    user_id text collate "C" not null references users (id) on delete cascade,
    name text not null,
    public_key text not null,
    -- SHA256:… as ssh-keygen shows it.
    fingerprint text collate "C" not null,
    is_default boolean not null,
    created_at timestamptz not null,
    constraint ssh_keys_fingerprint_once unique (user_id, fingerprint)
  );
  create unique index ssh_keys_one_default on ssh_keys (user_id) where is_default;

  -- Secret links to the calendar feed of an organization's environments.
  create table calendar_feeds (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    user_id text collate "C" not null references users (id) on delete cascade,
    token_hash bytea not null unique,
    created_at timestamptz not null,
    revoked_at timestamptz
  );
  create index calendar_feeds_by_user on calendar_feeds (organization_id, user_id, id);

  -- Counts of calls that nobody logs in for, with the columns rate-limiter-flexible wants; expired ones are swept.
  create table request_limits (key varchar(255) primary key, points integer not null default 0, expire bigint);
`;

/** Pools, shared environments and their properties, people's SSH keys. Each organization there is gets its root pool. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(POOLS);
  const organizations = (await knex('organizations').select('id', 'name', 'created_at')) as { id: string; name: string; created_at: string }[];
  const roots = organizations.map(({ id, name, created_at }) => ({ id: typeidUnboxed('pool'), organization_id: id, name, created_at, last_at: created_at }));
  await knex.batchInsert('pools', roots);
  await knex.raw(ENVIRONMENTS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table request_limits, calendar_feeds, ssh_keys, environment_property_changes, environments, pools`);
}
