import { addMailbox, makePrimary, removeMailbox, resendVerification, switchNotices, verifyMailbox } from '../../commands/identity/mailboxes.ts';
import { letterLimits } from '../../commands/identity/login-limits.ts';
import { getMailbox, listMailboxes } from '../../db/identity/mailbox-store.ts';
import type { Mailbox } from '../../domain/identity/mailbox.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireCaller, requireRecentLogin, requireUnlimited } from '../shared/authorize.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, instant } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { email, letterSecret } from './schemas.ts';
import { letterDesk } from './session-cookie.ts';

const tags = ['identity'];
const params = z.strictObject({ id: idOf('mailbox') });
const access = { kind: 'person' } as const;

const mailboxBody = z
  .strictObject({
    id: z.string(),
    address: z.string(),
    type: z.enum(['primary', 'backup']).openapi({ description: 'The primary address is also the name to log in by.' }),
    verified: z.boolean(),
    verified_at: instant.nullable(),
    notices: z.boolean().openapi({ description: 'Whether notices go to it. Letters about the account itself always do, and notices only once it is verified.' }),
    created_at: instant,
  })
  .openapi('Mailbox');

function mailboxView(mailbox: Mailbox): z.input<typeof mailboxBody> {
  return {
    id: mailbox.id,
    address: mailbox.address,
    type: mailbox.isPrimary ? 'primary' : 'backup',
    verified: mailbox.verifiedAt !== null,
    verified_at: mailbox.verifiedAt,
    notices: mailbox.notices,
    created_at: mailbox.createdAt,
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/me/mailboxes',
  id: 'listMyMailboxes',
  summary: 'One’s own mail addresses, the primary one first',
  tags,
  access,
  tokenScope: 'read',
  responses: { 200: z.strictObject({ items: z.array(mailboxBody) }) },
  async handle({ deps, caller }) {
    return { status: 200, body: { items: (await listMailboxes(deps.db, requireCaller(caller).userId)).map(mailboxView) } };
  },
});

const add = defineOperation({
  method: 'post',
  path: '/v1/me/mailboxes',
  id: 'addMyMailbox',
  summary: 'Add an address; the link of a letter to it verifies it',
  description: 'By a session, within a quarter of an hour of logging in: identity.log-in-again.',
  tags,
  access,
  tokenScope: 'admin',
  body: z.strictObject({ address: email }),
  responses: { 201: mailboxBody },
  async handle(context, { body }) {
    const { deps, at, actor: by } = context;
    const caller = requireCaller(context.caller);
    requireUnlimited(caller);
    requireRecentLogin(caller, at);
    const { userId } = caller;
    await letterLimits(deps.db).take(userId, body.address);
    return await context.transact(async (tx) => {
      const mailbox = await addMailbox(tx, letterDesk(deps), { userId, address: body.address }, { at, by });
      return { status: 201, body: mailboxView(mailbox), version: mailbox.version };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/me/mailboxes/{id}',
  id: 'getMyMailbox',
  summary: 'One of one’s own addresses',
  tags,
  access,
  tokenScope: 'read',
  params,
  responses: { 200: mailboxBody },
  async handle({ deps, caller }, { params: { id } }) {
    const mailbox = await getMailbox(deps.db, requireCaller(caller).userId, id);
    if (mailbox === null) throw notFound('mailbox', id);
    return { status: 200, body: mailboxView(mailbox), version: mailbox.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/me/mailboxes/{id}',
  id: 'editMyMailbox',
  summary: 'Switch notices to an address on or off',
  tags,
  access,
  tokenScope: 'write',
  params,
  body: z.strictObject({ notices: z.boolean() }),
  responses: { 200: mailboxBody },
  async handle(context, { params: { id }, body }) {
    const check = requireIfMatch(context, 'mailbox');
    const { userId } = requireCaller(context.caller);
    return await context.transact(async (tx) => {
      const mailbox = await switchNotices(tx, { userId, mailboxId: id, ...body }, { at: context.at, by: context.actor, check });
      return { status: 200, body: mailboxView(mailbox), version: mailbox.version };
    });
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/me/mailboxes/{id}',
  id: 'removeMyMailbox',
  summary: 'Remove an address that is not the primary one',
  description: 'By a session, within a quarter of an hour of logging in: identity.log-in-again.',
  tags,
  access,
  tokenScope: 'admin',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const caller = requireCaller(context.caller);
    requireUnlimited(caller);
    requireRecentLogin(caller, context.at);
    const { userId } = caller;
    return await context.transact(async (tx) => {
      await removeMailbox(tx, { userId, mailboxId: id }, { at: context.at, by: context.actor });
      return { status: 204, body: null };
    });
  },
});

const primary = defineOperation({
  method: 'post',
  path: '/v1/me/mailboxes/{id}:make-primary',
  id: 'makeMyMailboxPrimary',
  summary: 'Make a verified address the primary one: the name to log in by',
  description: 'By a session, within a quarter of an hour of logging in: identity.log-in-again.',
  tags,
  access,
  tokenScope: 'admin',
  params,
  responses: { 200: mailboxBody },
  async handle(context, { params: { id } }) {
    const caller = requireCaller(context.caller);
    requireUnlimited(caller);
    requireRecentLogin(caller, context.at);
    const { userId } = caller;
    return await context.transact(async (tx) => {
      const mailbox = await makePrimary(tx, { userId, mailboxId: id }, { at: context.at, by: context.actor });
      return { status: 200, body: mailboxView(mailbox), version: mailbox.version };
    });
  },
});

const resend = defineOperation({
  method: 'post',
  path: '/v1/me/mailboxes/{id}:resend-letter',
  id: 'resendMyMailboxLetter',
  summary: 'Have the verification letter sent again; the link of the one before is void',
  tags,
  access,
  tokenScope: 'write',
  params,
  responses: { 202: mailboxBody },
  async handle(context, { params: { id } }) {
    const { deps, at, actor: by } = context;
    const { userId } = requireCaller(context.caller);
    const known = await getMailbox(deps.db, userId, id);
    if (known === null) throw notFound('mailbox', id);
    await letterLimits(deps.db).take(userId, known.address);
    return await context.transact(async (tx) => {
      const mailbox = await resendVerification(tx, letterDesk(deps), { userId, mailboxId: id }, { at, by });
      return { status: 202, body: mailboxView(mailbox), version: mailbox.version };
    });
  },
});

const verify = defineOperation({
  method: 'post',
  path: '/v1/mailboxes:verify',
  id: 'verifyMailbox',
  summary: 'Verify the address that a letter went to, by the secret of its link',
  description: 'Once, within 24 hours. What is unknown, used, replaced or expired is answered alike.',
  tags,
  access: { kind: 'public' },
  tokenScope: 'read',
  idempotency: 'none',
  body: z.strictObject({ token: letterSecret }),
  responses: { 200: z.strictObject({ address: z.string(), verified_at: instant }) },
  async handle(context, { body }) {
    const { at, requestId } = context;
    return await context.transact(async (tx) => {
      const mailbox = await verifyMailbox(tx, body.token, { at, requestId });
      return { status: 200, body: { address: mailbox.address, verified_at: mailbox.verifiedAt ?? at } };
    });
  },
});

export const mailboxRoutes = [list, add, get, edit, remove, primary, resend, verify];
