import type { Knex } from 'knex';

const TABLES = `
  create table calendars (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    provider text not null constraint calendars_provider check (provider in ('google', 'sandbox')),
    -- The provider's own id.
    calendar_id text not null,
    account text,
    -- Unix time of its connection: part of the ids of its events.
    generation bigint not null,
    two_way boolean not null,
    enabled boolean not null,
    state text collate "C" not null constraint calendars_state check (state in ('connected', 'broken', 'disconnecting')),
    problem jsonb,
    broken_since timestamptz,
    attempts integer not null,
    -- Nothing is called before.
    retry_at timestamptz,
    sync_token text,
    look_at timestamptz not null,
    full_at timestamptz not null,
    last_synced_at timestamptz,
    last_reconciled_at timestamptz,
    -- Where notifications of changes come through: id, resource, expiry.
    channel jsonb,
    created_by jsonb not null,
    next_due_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    constraint calendars_one_an_organization unique (organization_id),
    constraint calendars_broken_since check ((state = 'broken') <= (broken_since is not null))
  );

  -- Bound to the calendar's id.
  create table calendar_credentials (
    calendar_id text collate "C" primary key,
    organization_id text collate "C" not null,
    sealed bytea not null,
    key_id text not null,
    updated_at timestamptz not null,
    foreign key (organization_id, calendar_id) references calendars (organization_id, id) on delete cascade
  );

  -- One row a booking that is, or is to be, in the calendar.
  create table calendar_events (
    calendar_id text collate "C" not null,
    booking_id text collate "C" not null,
    organization_id text collate "C" not null,
    -- Grows with each change to show; what is shown is read from the booking.
    wanted_version integer not null,
    -- What the calendar has; null for nothing.
    synced_version integer,
    -- Since when it is not as wanted; null while it is.
    waiting_since timestamptz,
    incarnation integer not null default 0,
    -- The end that the event of an open-ended booking shows.
    open_until timestamptz,
    -- Why a change asked for in the calendar was refused.
    note text,
    -- When it is to be written, tried again or extended; null for not at all.
    due_at timestamptz,
    attempts integer not null default 0,
    last_error jsonb,
    primary key (calendar_id, booking_id),
    constraint calendar_events_waiting check ((synced_version is not distinct from wanted_version) = (waiting_since is null)),
    foreign key (organization_id, calendar_id) references calendars (organization_id, id) on delete cascade,
    foreign key (organization_id, booking_id) references bookings (organization_id, id)
  );
  create index calendar_events_due on calendar_events (calendar_id, due_at) where due_at is not null;
  create index calendar_events_waiting on calendar_events (calendar_id, waiting_since) where waiting_since is not null;

  -- Calendars of the sandbox: one exists as soon as it is named.
  create table sandbox_calendar_events (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    calendar_id text collate "C" not null,
    event_id text collate "C" not null,
    status text not null constraint sandbox_calendar_events_status check (status in ('confirmed', 'cancelled')),
    summary text,
    description text,
    start_at timestamptz not null,
    end_at timestamptz not null,
    is_transparent boolean not null,
    marks jsonb not null,
    -- The calendar's count of changes when this one changed last: where a list of changes goes on.
    change bigint not null,
    unique (organization_id, calendar_id, event_id),
    unique (organization_id, calendar_id, change)
  );
`;

/** The calendar that mirrors an organization's bookings, its events, and the sandbox's calendars. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table sandbox_calendar_events, calendar_events, calendar_credentials, calendars`);
}
