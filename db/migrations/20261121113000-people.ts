import type { Knex } from 'knex';

const TABLES = `
  alter table users
    -- Who somebody is beyond the name that is shown; empty where nothing was said.
    add column category text not null default 'personal' constraint users_category check (category in ('personal', 'company')),
    add column first_name text not null default '',
    add column last_name text not null default '',
    add column address text not null default '',
    add column phone text not null default '',
    -- BCP 47; null follows the browser.
    add column language text,
    add column color_scheme text not null default 'system' constraint users_color_scheme check (color_scheme in ('system', 'light', 'dark')),
    -- A first password that an administrator was shown serves until then.
    add column password_expires_at timestamptz,
    add column activation text collate "C" not null default 'not-activated'
      constraint users_activation check (activation in ('not-activated', 'requested', 'passed')),
    add column activation_requested_at timestamptz,
    add column activated_at timestamptz,
    add constraint users_activation_times
      check ((activation = 'not-activated') = (activation_requested_at is null) and (activation = 'passed') = (activated_at is not null));

  -- users.email is the address of the primary one: the name somebody logs in by.
  create table mailboxes (
    id text collate "C" primary key,
    user_id text collate "C" not null references users (id) on delete cascade,
    address text not null,
    is_primary boolean not null,
    -- Null: nobody has shown yet that mail to it reaches this person.
    verified_at timestamptz,
    -- Whether notices go to it.
    notices boolean not null default true,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null
  );
  create unique index mailboxes_once on mailboxes (user_id, lower(address));
  create unique index mailboxes_one_primary on mailboxes (user_id) where is_primary;
  -- Anybody may claim an address; one account alone can prove it.
  create unique index mailboxes_verified_once on mailboxes (lower(address)) where verified_at is not null;

  insert into mailboxes (id, user_id, address, is_primary, verified_at, created_at, last_at)
    select 'mbx_' || substr(id, 5), id, email, true, created_at, created_at, created_at from users;

  -- The secret in a letter's link, by its digest. A new letter takes the place of the one before.
  create table letter_tokens (
    token_hash bytea primary key,
    purpose text collate "C" not null constraint letter_tokens_purpose check (purpose in ('verify-mailbox', 'reset-password')),
    user_id text collate "C" not null references users (id) on delete cascade,
    mailbox_id text collate "C" references mailboxes (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint letter_tokens_mailbox check ((purpose = 'verify-mailbox') = (mailbox_id is not null))
  );
  create unique index letter_tokens_reset_once on letter_tokens (user_id) where purpose = 'reset-password';
  create unique index letter_tokens_verify_once on letter_tokens (mailbox_id) where purpose = 'verify-mailbox';
  create index letter_tokens_expired on letter_tokens (expires_at);

  -- Mails beside an organization's notices: to a mailbox, or to an address that nobody has an account for.
  alter table mails
    alter column organization_id drop not null,
    alter column user_id drop not null,
    add column mailbox_id text collate "C" references mailboxes (id) on delete set null,
    -- Only of somebody without an account; everybody else's is read when it is sent.
    add column address text,
    -- The secret that the text's link ends in, sealed under the mail's id; null from the mail's end on.
    add column sealed_secret bytea,
    add column secret_key_id text,
    drop constraint mails_once,
    add constraint mails_once unique nulls not distinct (organization_id, message_key),
    add constraint mails_to_somebody check ((user_id is null) = (address is not null));
  create index mails_by_user on mails (user_id);
  create index mails_sealed on mails (secret_key_id) where sealed_secret is not null;

  -- Sessions before this one cannot be listed: they carry no id.
  delete from sessions;
  alter table sessions
    add column id text collate "C" not null constraint sessions_id_once unique,
    add column last_seen_at timestamptz not null,
    -- A network and a kind of browser, no more: enough to know one's own.
    add column network text not null,
    add column client text not null,
    add column method text collate "C" not null constraint sessions_method check (method in ('password', 'oidc'));

  -- Browsers that somebody logged in from: a stranger's guesses do not lock them out there.
  create table known_devices (
    secret_hash bytea primary key,
    user_id text collate "C" not null references users (id) on delete cascade,
    created_at timestamptz not null,
    last_used_at timestamptz not null
  );
  create index known_devices_by_user on known_devices (user_id);
  create index known_devices_unused on known_devices (last_used_at);

  create table identities (
    issuer text collate "C" not null,
    subject text collate "C" not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    -- The address by which it was linked: the way in ends with it.
    mailbox_id text collate "C" not null references mailboxes (id) on delete cascade,
    created_at timestamptz not null,
    last_login_at timestamptz not null,
    primary key (issuer, subject)
  );
  create index identities_by_user on identities (user_id);
  create index identities_by_mailbox on identities (mailbox_id);

  -- Logins that are at the provider now. The secret is in the browser's cookie, its digest here; a row serves once.
  create table oidc_logins (
    secret_hash bytea primary key,
    return_to text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
  );
  create index oidc_logins_expired on oidc_logins (expires_at);

  create table invitations (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    address text not null,
    role text collate "C" not null constraint invitations_role check (role in ('manager', 'engineer', 'member')),
    state text collate "C" not null constraint invitations_state check (state in ('pending', 'accepted', 'revoked', 'expired')),
    token_hash bytea not null unique,
    invited_by text collate "C" not null references users (id),
    -- How many letters went out.
    letters integer not null default 1,
    expires_at timestamptz not null,
    accepted_by text collate "C" references users (id),
    ended_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    last_at timestamptz not null,
    unique (organization_id, id),
    constraint invitations_end check ((state = 'pending') = (ended_at is null) and (state = 'accepted') = (accepted_by is not null))
  );
  create unique index invitations_one_pending on invitations (organization_id, lower(address)) where state = 'pending';
  create index invitations_by_organization on invitations (organization_id, id desc);
  create index invitations_pending_address on invitations (lower(address)) where state = 'pending';
`;

/** Profiles, mailboxes and their letters, activation, listed sessions, sign-in elsewhere, invitations. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from mails where organization_id is null or user_id is null;
    alter table mails
      drop constraint mails_to_somebody, drop constraint mails_once,
      drop column mailbox_id, drop column address, drop column sealed_secret, drop column secret_key_id,
      alter column organization_id set not null, alter column user_id set not null,
      add constraint mails_once unique (organization_id, message_key);
    drop index mails_by_user;
    alter table sessions drop column id, drop column last_seen_at, drop column network, drop column client, drop column method;
    drop table known_devices, invitations, oidc_logins, identities, letter_tokens, mailboxes;
    alter table users
      drop column category, drop column first_name, drop column last_name, drop column address, drop column phone,
      drop column language, drop column color_scheme, drop column password_expires_at,
      drop column activation, drop column activation_requested_at, drop column activated_at;
  `);
}
