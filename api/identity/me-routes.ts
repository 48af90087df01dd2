import { editProfile } from '../../commands/identity/edit-profile.ts';
import { requestActivation } from '../../commands/identity/port.ts';
import { listIdentities } from '../../db/identity/oidc-store.ts';
import { getUser } from '../../db/identity/user-store.ts';
import { listOrganizations } from '../../db/organizations/organization-store.ts';
import { projectsOfPerson } from '../../db/projects/projects-of-person.ts';
import { ACCOUNT_CATEGORIES, COLOR_SCHEMES } from '../../domain/identity/profile.ts';
import type { User } from '../../domain/identity/user.ts';
import { requireCaller, unauthenticated } from '../shared/authorize.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { activationBody, displayName, meBody } from './schemas.ts';
import { activationView, profileView, userView } from './views.ts';

const tags = ['identity'];
const MOST_ORGANIZATIONS_SHOWN = 500;
const MOST_PROJECTS_SHOWN = 500;

type Me = z.input<typeof meBody>;

async function meOf({ deps, caller }: Pick<RequestContext, 'deps' | 'caller'>, user: User): Promise<Me> {
  const { credential } = requireCaller(caller);
  const token = credential.kind === 'token' ? credential : null;
  const scope = { userId: user.id, everything: user.platformAdministrator, onlyId: token?.organizationId ?? null };
  const organizations = await listOrganizations(deps.db, scope, {}, { limit: MOST_ORGANIZATIONS_SHOWN, sort: 'name', after: null });
  const projects = await projectsOfPerson(deps.db, user.id, token?.organizationId ?? null, MOST_PROJECTS_SHOWN);
  const identities = await listIdentities(deps.db, user.id);
  return {
    user: userView(user),
    profile: profileView(user.profile),
    activation: activationView(user.activation),
    password_expires_at: user.passwordExpiresAt,
    sign_in_methods: { password: user.passwordHash !== null, oidc: identities.map(({ issuer, createdAt, lastLoginAt }) => ({ issuer, since: createdAt, last_login_at: lastLoginAt })) },
    credential: { kind: credential.kind, scopes: token?.scopes ?? null, organization_id: token?.organizationId ?? null },
    organizations: organizations.rows.map(({ id, name, role }) => ({ id, name, role })),
    projects: projects.map(({ id, organizationId, code, name, state, role }) => ({ id, organization_id: organizationId, code, name, state, role })),
  };
}

const get = defineOperation({
  method: 'get',
  path: '/v1/me',
  id: 'getMe',
  summary: 'Who these credentials belong to, and what they reach',
  description: 'The ETag is that of the profile.',
  tags,
  access: { kind: 'person' },
  tokenScope: 'read',
  responses: { 200: meBody },
  async handle(context) {
    const user = await getUser(context.deps.db, requireCaller(context.caller).userId);
    if (user === null) throw unauthenticated();
    return { status: 200, body: await meOf(context, user), version: user.version };
  },
});

const text = (longest: number) => z.string().trim().max(longest);

const edit = defineOperation({
  method: 'patch',
  path: '/v1/me',
  id: 'editMe',
  summary: 'Change one’s own profile and preferences; what is not named stays',
  tags,
  access: { kind: 'person' },
  tokenScope: 'write',
  body: z
    .strictObject({
      display_name: displayName.optional(),
      category: z.enum(ACCOUNT_CATEGORIES).optional(),
      first_name: text(100).optional(),
      last_name: text(100).optional(),
      address: text(500).optional(),
      phone: text(40)
        .regex(/^[+0-9 ()./-]*$/, { error: 'must be a telephone number: digits, spaces, + ( ) . / -' })
        .optional(),
      language: text(35).min(1).nullable().optional().openapi({ description: 'BCP 47, like en or zh-Hant-TW; null for the browser’s.' }),
      color_scheme: z.enum(COLOR_SCHEMES).optional(),
    })
    .openapi('EditMe'),
  responses: { 200: meBody },
  async handle(context, { body }) {
    const { userId } = requireCaller(context.caller);
    const check = requireIfMatch(context, 'profile');
    const change = {
      displayName: body.display_name,
      category: body.category,
      firstName: body.first_name,
      lastName: body.last_name,
      address: body.address,
      phone: body.phone,
      language: body.language,
      colorScheme: body.color_scheme,
    };
    return await context.transact(async (tx) => {
      const user = await editProfile(tx, { userId, edit: change }, { at: context.at, by: context.actor, check });
      return { status: 200, body: await meOf(context, user), version: user.version };
    });
  },
});

const activate = defineOperation({
  method: 'post',
  path: '/v1/me:activate',
  id: 'activateMe',
  summary: 'Ask to be activated: what belongs to projects is usable from then on',
  description: 'Passes once one belongs to an organization and has a verified mailbox: at once where that is so, else by itself as soon as it is.',
  tags,
  access: { kind: 'person' },
  tokenScope: 'write',
  responses: { 200: activationBody },
  async handle(context) {
    const { userId } = requireCaller(context.caller);
    return await context.transact(async (tx) => {
      const { activation } = await requestActivation(tx, userId, { at: context.at, by: context.actor });
      return { status: 200, body: activationView(activation) };
    });
  },
});

export const meRoutes = [get, edit, activate];
