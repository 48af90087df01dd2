import { setSwitches } from '../../commands/notifications/set-switches.ts';
import { listMails, type ListedMail } from '../../db/notifications/mail-store.ts';
import { getSwitches } from '../../db/notifications/switch-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { MAIL_KINDS, MAIL_OUTCOMES, MAIL_STATES, NOTICE_KINDS, type NoticeKind } from '../../domain/notifications/mail.ts';
import { unauthenticated } from '../shared/authorize.ts';
import type { Caller } from '../shared/caller.ts';
import { errorRecord, idOf, inOrganization, instant } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const tags = ['notifications'];

const switches = z.strictObject(Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, z.boolean()])) as Record<NoticeKind, z.ZodBoolean>);
const preferencesBody = z.strictObject({ email: switches }).openapi('NotificationPreferences');

const mailBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    kind: z.enum(MAIL_KINDS),
    recipient: z
      .strictObject({ user_id: z.string().nullable(), display_name: z.string().nullable(), email: z.string() })
      .openapi({ description: 'Of an invitation: an address, and nobody yet.' }),
    subject: z.string(),
    state: z.enum(MAIL_STATES),
    outcome: z.enum(MAIL_OUTCOMES).nullable(),
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    last_error: errorRecord.nullable(),
    created_at: instant,
    ended_at: instant.nullable(),
  })
  .openapi('Mail');

function userOf(caller: Caller | null): string {
  if (caller === null) throw unauthenticated();
  return caller.userId;
}

function mailView(mail: ListedMail): z.input<typeof mailBody> {
  return {
    id: mail.id,
    organization_id: mail.organizationId,
    kind: mail.kind,
    recipient: { user_id: mail.userId, display_name: mail.recipient.displayName, email: mail.recipient.email },
    subject: mail.subject,
    state: mail.state,
    outcome: mail.outcome,
    attempts: mail.attempts,
    next_attempt_at: mail.nextDueAt,
    last_error: mail.lastError,
    created_at: mail.createdAt,
    ended_at: mail.endedAt,
  };
}

const get = defineOperation({
  method: 'get',
  path: '/v1/me/notifications',
  id: 'getMyNotifications',
  summary: 'Which kinds of mail one gets',
  tags,
  access: { kind: 'person' },
  tokenScope: 'read',
  responses: { 200: preferencesBody },
  async handle({ deps, caller }) {
    return { status: 200, body: { email: await getSwitches(deps.db, userOf(caller)) } };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/me/notifications',
  id: 'editMyNotifications',
  summary: 'Switch kinds of mail on or off; those not named stay',
  tags,
  access: { kind: 'person' },
  tokenScope: 'write',
  body: z.strictObject({ email: switches.partial() }).openapi('EditNotificationPreferences'),
  responses: { 200: preferencesBody },
  async handle({ deps, caller, at, actor: by }, { body }) {
    const email = await inTransaction(deps.db, (tx) => setSwitches(tx, userOf(caller), body.email, { at, by }));
    return { status: 200, body: { email } };
  },
});

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/mails',
  id: 'listMails',
  summary: 'Mails of an organization, newest first, with what became of them; their texts belong to who got them',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    ...pageFields,
    state: z.enum(MAIL_STATES).optional(),
    kind: z.enum(MAIL_KINDS).optional(),
    user_id: idOf('user').optional(),
  }),
  responses: { 200: pageOf(mailBody) },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listMails', query, 1);
    const filter = { state: query.state, kind: query.kind, userId: query.user_id };
    const found = await listMails(deps.db, organizationId, filter, { limit: query.page_size + 1, before: cursor === null ? null : String(cursor[0]) });
    return { status: 200, body: toPage('listMails', query, found, { item: mailView, positionOf: (row) => [row.id] }) };
  },
});

export const notificationRoutes = [get, edit, list];
