import type { Knex } from 'knex';

const TABLES = `
  create table mails (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    -- The address is read when it is sent.
    user_id text collate "C" not null references users (id),
    kind text collate "C" not null,
    -- Left part of the Message-ID: a digest of notice and recipient.
    message_key text collate "C" not null,
    subject text not null,
    body text not null,
    state text collate "C" not null constraint mails_state check (state in ('pending', 'sent', 'failed', 'cancelled')),
    outcome text collate "C" constraint mails_outcome
      check (outcome in ('sent', 'rejected', 'given-up', 'not-configured', 'recipient-gone')),
    attempts integer not null default 0,
    -- How it left: the server's word, or the file it lies in.
    receipt text,
    last_error jsonb,
    next_due_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    ended_at timestamptz,
    unique (organization_id, id),
    constraint mails_once unique (organization_id, message_key),
    constraint mails_end_named check ((state = 'pending') = (outcome is null))
  );
  create index mails_by_organization on mails (organization_id, id desc);
  create index mails_due on mails (next_due_at) where next_due_at is not null;
  create index mails_ended on mails (ended_at) where ended_at is not null;

  -- Only what somebody switched; a kind without a row is on.
  create table notification_switches (
    user_id text collate "C" not null references users (id) on delete cascade,
    kind text collate "C" not null,
    email boolean not null,
    primary key (user_id, kind)
  );
`;

/** Mails, one row each, and who does not want which. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table notification_switches, mails`);
}
