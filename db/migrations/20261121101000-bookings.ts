import type { Knex } from 'knex';

const TABLES = `
  create table bookings (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    environment_id text collate "C" not null,
    environment_key bigint not null,
    holder_user_id text collate "C" not null references users (id),
    booked_by jsonb not null,
    state text collate "C" not null constraint bookings_state
      check (state in ('offered', 'reserved', 'active', 'released', 'cancelled', 'expired')),
    since timestamptz not null,
    -- Exclusive; null for open-ended.
    until timestamptz,
    note text not null default '',
    ssh_key_id text collate "C",
    -- The key as it was when the booking was made.
    ssh_public_key text,
    project_id text collate "C",
    series_id text collate "C",
    -- Of an offer from the waitlist: the entry, and until when it may be accepted.
    waitlist_entry_id text collate "C",
    offer_expires_at timestamptz,
    -- When and why it ended, once it has.
    ended_at timestamptz,
    end_reason text,
    next_due_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    constraint bookings_period check (until is null or until > since),
    constraint bookings_offer_expires check ((state = 'offered') <= (offer_expires_at is not null)),
    -- Nobody books over anybody, whatever the code does. Ranges are half-open, so touching is legal.
    constraint bookings_no_overlap exclude using gist (
      int8range(environment_key, environment_key, '[]') with &&, tstzrange(since, until, '[)') with &&
    ) where (state in ('offered', 'reserved', 'active')),
    foreign key (organization_id, environment_id) references environments (organization_id, id),
    foreign key (organization_id, environment_key) references environments (organization_id, key)
  );
  create index bookings_by_environment on bookings (environment_id, since);
  create index bookings_by_holder on bookings (organization_id, holder_user_id, since desc);
  create index bookings_by_organization on bookings (organization_id, since, id);
  create index bookings_due on bookings (next_due_at) where next_due_at is not null;

  create table waitlist_entries (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    environment_id text collate "C" not null,
    user_id text collate "C" not null references users (id),
    -- What is waited for: this period, or as much of it as is left when it gets free.
    since timestamptz not null,
    until timestamptz,
    state text collate "C" not null constraint waitlist_entries_state
      check (state in ('waiting', 'offered', 'accepted', 'declined', 'expired', 'left')),
    offered_booking_id text collate "C",
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    foreign key (organization_id, environment_id) references environments (organization_id, id)
  );
  create index waitlist_entries_waiting on waitlist_entries (environment_id, id) where state = 'waiting';
  create unique index waitlist_entries_once on waitlist_entries (environment_id, user_id) where state in ('waiting', 'offered');
`;

/** Bookings of shared environments, and who waits for one. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table waitlist_entries, bookings`);
}
