import { stringifySetCookie } from 'cookie';
import { logIn } from '../../commands/identity/log-in.ts';
import { logOut } from '../../commands/identity/log-out.ts';
import { hashPassword, passwordMatches } from '../../commands/identity/passwords.ts';
import { setPassword } from '../../commands/identity/set-password.ts';
import { loginLimits } from '../../commands/identity/login-limits.ts';
import { getUser } from '../../db/identity/user-store.ts';
import { listOrganizations } from '../../db/organizations/organization-store.ts';
import { LONGEST_PASSWORD, requireUsablePassword, type User } from '../../domain/identity/user.ts';
import { invalidField } from '../../domain/shared/errors.ts';
import { requireOwnOrigin, servedOverTls, sessionCookieName } from '../shared/authenticate.ts';
import { unauthenticated } from '../shared/authorize.ts';
import type { ApiConfig } from '../shared/dependencies.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { knownEmail, meBody, newPassword, sessionBody } from './schemas.ts';
import { userView } from './views.ts';

const MOST_ORGANIZATIONS_SHOWN = 500;

function sessionCookie(config: ApiConfig, secret: string, expires: Date): string {
  return stringifySetCookie({
    name: sessionCookieName(config),
    value: secret,
    expires,
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: servedOverTls(config),
  });
}

type CallerContext = Pick<RequestContext, 'caller' | 'deps'>;

async function callingUser({ caller, deps }: CallerContext): Promise<User> {
  const user = caller === null ? null : await getUser(deps.db, caller.userId);
  if (user === null) throw unauthenticated();
  return user;
}

const create = defineOperation({
  method: 'post',
  path: '/v1/session',
  id: 'logIn',
  summary: 'Log in with a password; the session comes as a cookie',
  tags: ['identity'],
  access: { kind: 'public' },
  tokenScope: 'read',
  idempotency: 'none',
  body: z.strictObject({ email: knownEmail, password: z.string().min(1).max(LONGEST_PASSWORD) }),
  responses: { 200: sessionBody },
  async handle(context, { body }) {
    const { config, db } = context.deps;
    // A page elsewhere must not log its visitor in to an account of its choosing.
    const origin = context.header('origin');
    if (origin !== undefined) requireOwnOrigin(config, origin);
    const { user, secret, expiresAt } = await logIn(db, {
      email: body.email,
      password: body.password,
      address: context.address,
      requestId: context.requestId,
      at: context.at,
    });
    return {
      status: 200,
      headers: { 'Set-Cookie': sessionCookie(config, secret, new Date(expiresAt)) },
      body: { user: userView(user), expires_at: expiresAt },
    };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/session',
  id: 'logOut',
  summary: 'Log out: ends the session of this cookie',
  tags: ['identity'],
  access: { kind: 'person' },
  tokenScope: 'read',
  responses: { 204: null },
  async handle(context) {
    const { actor, caller } = context;
    if (caller?.credential.kind !== 'session') {
      throw invalidField('identity.no-session', 'Cookie', 'there is no session to end: this request came with a token, which is revoked at /v1/tokens');
    }
    const { tokenHash } = caller.credential;
    return await context.transact(async (tx) => {
      await logOut(tx, tokenHash, { at: context.at, by: { ...actor, id: caller.userId } });
      return { status: 204, body: null, headers: { 'Set-Cookie': sessionCookie(context.deps.config, '', new Date(0)) } };
    });
  },
});

const me = defineOperation({
  method: 'get',
  path: '/v1/me',
  id: 'getMe',
  summary: 'Who these credentials belong to, and what they reach',
  tags: ['identity'],
  access: { kind: 'person' },
  tokenScope: 'read',
  responses: { 200: meBody },
  async handle(context) {
    const user = await callingUser(context);
    const credential = context.caller?.credential;
    const token = credential?.kind === 'token' ? credential : null;
    const organizations = await listOrganizations(
      context.deps.db,
      { userId: user.id, everything: user.platformAdministrator, onlyId: token?.organizationId ?? null },
      {},
      { limit: MOST_ORGANIZATIONS_SHOWN, sort: 'name', after: null },
    );
    return {
      status: 200,
      body: {
        user: userView(user),
        credential: { kind: credential?.kind ?? 'session', scopes: token?.scopes ?? null, organization_id: token?.organizationId ?? null },
        organizations: organizations.rows.map(({ id, name, role }) => ({ id, name, role })),
      },
    };
  },
});

const changePassword = defineOperation({
  method: 'put',
  path: '/v1/me/password',
  id: 'changePassword',
  summary: 'Change one’s own password; every other session ends',
  tags: ['identity'],
  access: { kind: 'person' },
  tokenScope: 'admin',
  body: z.strictObject({ current_password: z.string().min(1).max(LONGEST_PASSWORD), new_password: newPassword }),
  responses: { 204: null },
  async handle(context, { body }) {
    const user = await callingUser(context);
    // A stolen session must not try passwords either.
    const limits = loginLimits(context.deps.db);
    await limits.take(user.email, context.address);
    if (!(await passwordMatches(user.passwordHash, body.current_password))) {
      throw invalidField('identity.wrong-password', 'current_password', 'is not your password');
    }
    await limits.giveBack(user.email, context.address);
    requireUsablePassword(body.new_password, user);
    const passwordHash = await hashPassword(body.new_password);
    const keepSession = context.caller?.credential.kind === 'session' ? context.caller.credential.tokenHash : null;
    return await context.transact(async (tx) => {
      await setPassword(tx, { userId: user.id, passwordHash, keepSession }, { at: context.at, by: context.actor });
      return { status: 204, body: null };
    });
  },
});

export const sessionRoutes = [create, remove, me, changePassword];
