import { acceptInvitation, invite, resendInvitation, revokeInvitation, type Accepting } from '../../commands/organizations/invitations.ts';
import { letterLimits } from '../../commands/identity/login-limits.ts';
import { hashChosenPassword } from '../../commands/identity/passwords.ts';
import { hashSecret } from '../../commands/identity/secrets.ts';
import { findInvitationByToken, getListedInvitation, listInvitations, organizationOfInvitation, type ListedInvitation } from '../../db/organizations/invitation-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { INVITATION_STATES, invitationIsVoid, stateAt } from '../../domain/organizations/invitation.ts';
import { ORGANIZATION_ROLES } from '../../domain/organizations/role.ts';
import { invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { displayName, email, letterSecret, newPassword } from '../identity/schemas.ts';
import { letterDesk } from '../identity/session-cookie.ts';
import { requireCaller, requireUnlimited } from '../shared/authorize.ts';
import { idOf, inOrganization, instant, searchText } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const tags = ['organizations'];
const role = z.enum(ORGANIZATION_ROLES);
const params = z.strictObject({ id: idOf('invitation') });
const inPath = { kind: 'organization', role: 'manager', scopeFrom: 'path' } as const;
const ofInvitation = {
  kind: 'organization' as const,
  role: 'manager' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfInvitation(db, id),
};

const invitationBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    address: z.string(),
    role,
    state: z.enum(INVITATION_STATES),
    invited_by: z.strictObject({ user_id: z.string(), display_name: z.string() }),
    letters: z.int().openapi({ description: 'How many letters went out.' }),
    expires_at: instant,
    accepted_by: z.string().nullable(),
    ended_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('Invitation');

function invitationView(invitation: ListedInvitation, at: Instant): z.input<typeof invitationBody> {
  const state = stateAt(invitation, at);
  return {
    id: invitation.id,
    organization_id: invitation.organizationId,
    address: invitation.address,
    role: invitation.role,
    state,
    invited_by: { user_id: invitation.invitedBy, display_name: invitation.inviterName },
    letters: invitation.letters,
    expires_at: invitation.expiresAt,
    accepted_by: invitation.acceptedBy,
    ended_at: invitation.endedAt ?? (state === 'expired' ? invitation.expiresAt : null),
    created_at: invitation.createdAt,
  };
}

async function shown(tx: Transaction, { organizationId, at }: Pick<RequestContext, 'organizationId' | 'at'>, id: string) {
  const invitation = await getListedInvitation(tx, organizationId, id);
  if (invitation === null) throw notFound('invitation', id);
  return { body: invitationView(invitation, at), version: invitation.version };
}

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/invitations',
  id: 'invite',
  summary: 'Invite whoever reads an address to become a member',
  description: 'The link of the letter serves seven days, once. Somebody without an account makes one by it.',
  tags,
  access: inPath,
  tokenScope: 'admin',
  params: inOrganization,
  body: z.strictObject({ email, role }),
  responses: { 201: invitationBody },
  async handle(context, { body }) {
    const { deps, organizationId, at, actor: by } = context;
    const { userId: invitedBy } = requireCaller(context.caller);
    await letterLimits(deps.db).take(organizationId, body.email);
    return await context.transact(async (tx) => {
      const { id } = await invite(tx, letterDesk(deps), { organizationId, address: body.email, role: body.role, invitedBy }, { at, by });
      return { status: 201, ...(await shown(tx, context, id)), headers: { Location: `/v1/invitations/${id}` } };
    });
  },
});

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/invitations',
  id: 'listInvitations',
  summary: 'Invitations of an organization, newest first',
  tags,
  access: inPath,
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({ ...pageFields, state: z.enum(INVITATION_STATES).optional(), search: searchText.optional() }),
  responses: { 200: pageOf(invitationBody) },
  async handle({ deps, organizationId, at }, { query }) {
    const cursor = readCursor('listInvitations', query, 1);
    const page = { limit: query.page_size + 1, before: cursor === null ? null : String(cursor[0]) };
    const found = await listInvitations(deps.db, organizationId, { state: query.state, search: query.search, at }, page);
    return { status: 200, body: toPage('listInvitations', query, found, { item: (row) => invitationView(row, at), positionOf: (row) => [row.id] }) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/invitations/{id}',
  id: 'getInvitation',
  summary: 'One invitation',
  tags,
  access: ofInvitation,
  tokenScope: 'read',
  params,
  responses: { 200: invitationBody },
  async handle({ deps, organizationId, at }, { params: { id } }) {
    const invitation = await getListedInvitation(deps.db, organizationId, id);
    if (invitation === null) throw notFound('invitation', id);
    return { status: 200, body: invitationView(invitation, at), version: invitation.version };
  },
});

const resend = defineOperation({
  method: 'post',
  path: '/v1/invitations/{id}:resend',
  id: 'resendInvitation',
  summary: 'Send the letter again, with a new link that serves seven days',
  tags,
  access: ofInvitation,
  tokenScope: 'admin',
  params,
  responses: { 200: invitationBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const known = await getListedInvitation(deps.db, organizationId, id);
    if (known === null) throw notFound('invitation', id);
    await letterLimits(deps.db).take(organizationId, known.address);
    return await context.transact(async (tx) => {
      await resendInvitation(tx, letterDesk(deps), { organizationId, id }, { at, by });
      return { status: 200, ...(await shown(tx, context, id)) };
    });
  },
});

const revoke = defineOperation({
  method: 'post',
  path: '/v1/invitations/{id}:revoke',
  id: 'revokeInvitation',
  summary: 'Take an invitation back: its link is void',
  tags,
  access: ofInvitation,
  tokenScope: 'admin',
  params,
  responses: { 200: invitationBody },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      await revokeInvitation(tx, { organizationId, id }, { at, by });
      return { status: 200, ...(await shown(tx, context, id)) };
    });
  },
});

const look = defineOperation({
  method: 'post',
  path: '/v1/invitations:look',
  id: 'lookAtInvitation',
  summary: 'What a letter’s link invites to, before accepting it',
  tags,
  access: { kind: 'public' },
  tokenScope: 'read',
  idempotency: 'none',
  body: z.strictObject({ token: letterSecret }),
  responses: { 200: z.strictObject({ organization_name: z.string(), address: z.string(), role, expires_at: instant }) },
  async handle({ deps, at }, { body }) {
    const { organizationName, address, role, expiresAt } = await openInvitation(deps, body.token, at);
    return { status: 200, body: { organization_name: organizationName, address, role, expires_at: expiresAt } };
  },
});

async function openInvitation({ db }: Pick<RequestContext['deps'], 'db'>, token: string, at: Instant) {
  const invitation = await findInvitationByToken(db, hashSecret(token));
  if (invitation === null || stateAt(invitation, at) !== 'pending') throw invitationIsVoid();
  return invitation;
}

const accept = defineOperation({
  method: 'post',
  path: '/v1/invitations:accept',
  id: 'acceptInvitation',
  summary: 'Become a member by a letter’s link',
  description:
    'With a session (or token): as the account that one is signed in to, which must have the address. Without: with a new account, which takes display_name and password.',
  tags,
  access: { kind: 'public' },
  tokenScope: 'admin',
  idempotency: 'none',
  body: z.strictObject({ token: letterSecret, display_name: displayName.optional(), password: newPassword.optional() }),
  responses: { 200: z.strictObject({ organization_id: z.string(), user_id: z.string(), role }) },
  async handle(context, { body }) {
    const { deps, at, requestId, caller } = context;
    const { address } = await openInvitation(deps, body.token, at);
    if (caller !== null) requireUnlimited(caller);
    const accepting = caller === null ? await newAccount(address, body) : { userId: caller.userId };
    return await context.transact(async (tx) => {
      const { invitation, user, role } = await acceptInvitation(tx, { secret: body.token, accepting }, { at, requestId });
      return { status: 200, body: { organization_id: invitation.organizationId, user_id: user.id, role } };
    });
  },
});

async function newAccount(address: string, { display_name: name, password }: { display_name?: string | undefined; password?: string | undefined }): Promise<Accepting> {
  const missing = name === undefined ? 'display_name' : 'password';
  if (name === undefined || password === undefined) throw invalidField('organizations.account-needed', missing, 'is needed for a new account; or log in first');
  return { displayName: name, passwordHash: await hashChosenPassword(password, { email: address, displayName: name }) };
}

export const invitationRoutes = [create, list, get, resend, revoke, look, accept];
