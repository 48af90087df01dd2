import { createUser } from '../../commands/identity/create-user.ts';
import { sendVerificationLetter } from '../../commands/identity/letters.ts';
import { editUser } from '../../commands/identity/edit-user.ts';
import { hashPassword } from '../../commands/identity/passwords.ts';
import { newInitialPassword } from '../../commands/identity/secrets.ts';
import { endOtherSessions } from '../../commands/identity/sessions.ts';
import { setPassword } from '../../commands/identity/set-password.ts';
import { listMailboxes } from '../../db/identity/mailbox-store.ts';
import { getUser, listUsers } from '../../db/identity/user-store.ts';
import { FIRST_PASSWORD_MS, type User } from '../../domain/identity/user.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { flag, idOf, searchText } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortedBy, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { displayName, email, userBody } from './schemas.ts';
import { letterDesk } from './session-cookie.ts';
import { userView } from './views.ts';

const ofUser = z.strictObject({ id: idOf('user') });
const sort = sortedBy(['display_name', 'email', 'created_at']);

const SORT_VALUE = {
  display_name: (user: User) => user.displayName,
  email: (user: User) => user.email,
  created_at: (user: User) => user.createdAt,
};

const list = defineOperation({
  method: 'get',
  path: '/v1/users',
  id: 'listUsers',
  summary: 'Everyone who has an account',
  tags: ['identity'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'read',
  query: z.strictObject({ ...pageFields, search: searchText.optional(), disabled: flag.optional(), sort: sort.default('email') }),
  responses: { 200: pageOf(userBody) },
  async handle(context, { query }) {
    const position = readCursor('listUsers', query, 2);
    const found = await listUsers(
      context.deps.db,
      { search: query.search, disabled: query.disabled },
      { limit: query.page_size + 1, sort: query.sort, after: position === null ? null : [String(position[0]), String(position[1])] },
    );
    const name = query.sort.replace(/^-/, '') as keyof typeof SORT_VALUE;
    const positionOf = (user: User) => [SORT_VALUE[name](user), user.id];
    return { status: 200, body: toPage('listUsers', query, found, { item: userView, positionOf }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/users',
  id: 'createUser',
  summary: 'Make an account; its first password is shown this once',
  description: 'A letter to the address lets the person verify it. The password serves for seven days, unless they choose another before.',
  tags: ['identity'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'admin',
  body: z.strictObject({ email, display_name: displayName, platform_administrator: z.boolean().default(false) }),
  responses: { 201: z.strictObject({ user: userBody, password: z.string() }) },
  async handle(context, { body }) {
    const password = newInitialPassword();
    const passwordHash = await hashPassword(password);
    const { at, actor: by, deps } = context;
    const request = {
      email: body.email,
      displayName: body.display_name,
      passwordHash,
      passwordExpiresAt: plusMilliseconds(at, FIRST_PASSWORD_MS),
      platformAdministrator: body.platform_administrator,
      emailVerified: false,
    };
    return await context.transact(async (tx) => {
      const user = await createUser(tx, request, { at, by });
      for (const mailbox of await listMailboxes(tx, user.id)) await sendVerificationLetter(tx, letterDesk(deps), { user, mailbox }, at);
      return { status: 201, body: { user: userView(user), password }, version: user.version, holdsSecret: true };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/users/{id}',
  id: 'getUser',
  summary: 'One account',
  tags: ['identity'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'read',
  params: ofUser,
  responses: { 200: userBody },
  async handle(context, { params }) {
    const user = await getUser(context.deps.db, params.id);
    if (user === null) throw notFound('user', params.id);
    return { status: 200, body: userView(user), version: user.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/users/{id}',
  id: 'editUser',
  summary: 'Rename, disable or enable an account, or change its rights on the platform',
  tags: ['identity'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'admin',
  params: ofUser,
  body: z.strictObject({
    display_name: displayName.optional(),
    disabled: z.boolean().optional(),
    platform_administrator: z.boolean().optional(),
  }),
  responses: { 200: userBody },
  async handle(context, { params, body }) {
    const check = requireIfMatch(context, 'user');
    const change = { displayName: body.display_name, disabled: body.disabled, platformAdministrator: body.platform_administrator };
    return await context.transact(async (tx) => {
      const user = await editUser(tx, { userId: params.id, edit: change }, { at: context.at, by: context.actor, check });
      return { status: 200, body: userView(user), version: user.version };
    });
  },
});

const resetPassword = defineOperation({
  method: 'post',
  path: '/v1/users/{id}:reset-password',
  id: 'resetUserPassword',
  summary: 'Give an account a new password, shown this once and good for seven days; its sessions end',
  tags: ['identity'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'admin',
  params: ofUser,
  responses: { 200: z.strictObject({ password: z.string() }) },
  async handle(context, { params }) {
    const password = newInitialPassword();
    const passwordHash = await hashPassword(password);
    return await context.transact(async (tx) => {
      const passwordExpiresAt = plusMilliseconds(context.at, FIRST_PASSWORD_MS);
      await setPassword(tx, { userId: params.id, passwordHash, passwordExpiresAt, keepSession: null }, { at: context.at, by: context.actor });
      return { status: 200, body: { password }, holdsSecret: true };
    });
  },
});

const endSessions = defineOperation({
  method: 'post',
  path: '/v1/users/{id}:end-sessions',
  id: 'endUserSessions',
  summary: 'End every session of an account; it stays enabled, and its tokens stay',
  tags: ['identity'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'admin',
  params: ofUser,
  responses: { 200: z.strictObject({ ended: z.int() }) },
  async handle(context, { params }) {
    return await context.transact(async (tx) => {
      if ((await getUser(tx, params.id)) === null) throw notFound('user', params.id);
      const ended = await endOtherSessions(tx, { userId: params.id, keep: null }, { at: context.at, by: context.actor });
      return { status: 200, body: { ended } };
    });
  },
});

export const userRoutes = [list, create, get, edit, resetPassword, endSessions];
