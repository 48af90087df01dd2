import { logIn } from '../../commands/identity/log-in.ts';
import { endOtherSessions, endSession, logOut } from '../../commands/identity/sessions.ts';
import { listSessions, SIGN_IN_METHODS, type Session } from '../../db/identity/session-store.ts';
import { idleSince } from '../../domain/identity/session.ts';
import { LONGEST_PASSWORD } from '../../domain/identity/user.ts';
import { invalidField } from '../../domain/shared/errors.ts';
import { requireOwnOrigin } from '../shared/authenticate.ts';
import { requireCaller, requireUnlimited } from '../shared/authorize.ts';
import { idOf, instant } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { knownEmail, sessionBody } from './schemas.ts';
import { earlierLogin, noSessionCookie, sessionCookies } from './session-cookie.ts';
import { userView } from './views.ts';

const tags = ['identity'];

const create = defineOperation({
  method: 'post',
  path: '/v1/session',
  id: 'logIn',
  summary: 'Log in with a password; the session comes as a cookie',
  tags,
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
    const opened = await logIn(db, {
      ...body,
      ...earlierLogin(context.header('cookie'), config),
      address: context.address,
      userAgent: context.header('user-agent'),
      requestId: context.requestId,
      at: context.at,
    });
    return {
      status: 200,
      headers: { 'Set-Cookie': sessionCookies(config, opened, context.at) },
      body: { user: userView(opened.user), expires_at: opened.expiresAt, password_expires_at: opened.user.passwordExpiresAt },
    };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/session',
  id: 'logOut',
  summary: 'Log out: ends the session of this cookie',
  tags,
  access: { kind: 'person' },
  tokenScope: 'read',
  responses: { 204: null },
  async handle(context) {
    const { actor: by, at, deps } = context;
    const { userId, credential } = requireCaller(context.caller);
    if (credential.kind !== 'session') {
      throw invalidField('identity.no-session', 'Cookie', 'there is no session to end: this request came with a token, which is revoked at /v1/tokens');
    }
    return await context.transact(async (tx) => {
      await logOut(tx, { userId, sessionId: credential.sessionId }, { at, by });
      return { status: 204, body: null, headers: { 'Set-Cookie': noSessionCookie(deps.config) } };
    });
  },
});

const listedSession = z
  .strictObject({
    id: z.string(),
    method: z.enum(SIGN_IN_METHODS),
    network: z.string().openapi({ description: 'The network it was opened from, not the address.', example: '198.51.100.0/24' }),
    client: z.string().openapi({ description: 'The kind of browser.', example: 'Firefox on Linux' }),
    created_at: instant,
    last_seen_at: instant.openapi({ description: 'To the minute.' }),
    expires_at: instant.openapi({ description: 'At the latest; an hour without use ends it before.' }),
    current: z.boolean().openapi({ description: 'The one that this request came with.' }),
  })
  .openapi('ListedSession');

function sessionView(session: Session, currentId: string | null): z.input<typeof listedSession> {
  return {
    id: session.id,
    method: session.method,
    network: session.network,
    client: session.client,
    created_at: session.createdAt,
    last_seen_at: session.lastSeenAt,
    expires_at: session.expiresAt,
    current: session.id === currentId,
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/me/sessions',
  id: 'listMySessions',
  summary: 'One’s own open sessions, the one used last first',
  tags,
  access: { kind: 'person' },
  tokenScope: 'admin',
  responses: { 200: z.strictObject({ items: z.array(listedSession) }) },
  async handle({ deps, caller, at }) {
    const asking = requireCaller(caller);
    requireUnlimited(asking);
    const { userId, credential } = asking;
    const current = credential.kind === 'session' ? credential.sessionId : null;
    const sessions = await listSessions(deps.db, userId, { at, idleSince: idleSince(at) });
    return { status: 200, body: { items: sessions.map((session) => sessionView(session, current)) } };
  },
});

const end = defineOperation({
  method: 'delete',
  path: '/v1/me/sessions/{id}',
  id: 'endMySession',
  summary: 'End one of one’s own sessions, wherever it is',
  tags,
  access: { kind: 'person' },
  tokenScope: 'admin',
  params: z.strictObject({ id: idOf('session') }),
  responses: { 204: null },
  async handle(context, { params }) {
    const caller = requireCaller(context.caller);
    requireUnlimited(caller);
    return await context.transact(async (tx) => {
      await endSession(tx, { userId: caller.userId, sessionId: params.id }, { at: context.at, by: context.actor });
      return { status: 204, body: null };
    });
  },
});

const endOthers = defineOperation({
  method: 'post',
  path: '/v1/me/sessions:revoke-others',
  id: 'endMyOtherSessions',
  summary: 'End all of one’s own sessions but this one; all of them, when asked with a token',
  tags,
  access: { kind: 'person' },
  tokenScope: 'admin',
  responses: { 200: z.strictObject({ ended: z.int() }) },
  async handle(context) {
    const caller = requireCaller(context.caller);
    requireUnlimited(caller);
    const { userId, credential } = caller;
    const keep = credential.kind === 'session' ? credential.sessionId : null;
    return await context.transact(async (tx) => {
      const ended = await endOtherSessions(tx, { userId, keep }, { at: context.at, by: context.actor });
      return { status: 200, body: { ended } };
    });
  },
});

export const sessionRoutes = [create, remove, list, end, endOthers];
