import { createWebhook, deleteWebhook, editWebhook, rotateSecret } from '../../commands/webhooks/edit-webhook.ts';
import { pingWebhook } from '../../commands/webhooks/request-delivery.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { getWebhook, listWebhooks, organizationOfWebhook } from '../../db/webhooks/webhook-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Webhook } from '../../domain/webhooks/webhook.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { deliveryRoutes } from './delivery-routes.ts';
import { deliveryBody, listQuery, rotateInput, webhookBody, webhookEdit, webhookInput, webhookWithSecret } from './schemas.ts';
import { deliveryView, webhookView } from './views.ts';

const tags = ['webhooks'];
const params = z.strictObject({ id: idOf('webhook') });

/** URLs and what receivers answer may hold secrets: managers alone see and change them. */
const access = {
  kind: 'organization' as const,
  role: 'manager' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfWebhook(db, id),
};

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/webhooks',
  id: 'listWebhooks',
  summary: 'Webhooks of an organization, oldest first',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: listQuery,
  responses: { 200: pageOf(webhookBody) },
  async handle({ deps, organizationId, at }, { query }) {
    const cursor = readCursor('listWebhooks', query, 1);
    const filter = { search: query.search, environmentId: query.environment_id, enabled: query.enabled };
    const found = await listWebhooks(deps.db, organizationId, filter, { limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) });
    return { status: 200, body: toPage('listWebhooks', query, found, { item: (row: Webhook) => webhookView(row, at), positionOf: (row: Webhook) => [row.id] }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/webhooks',
  id: 'createWebhook',
  summary: 'Create a webhook; its signing secret is shown this once',
  description: 'Messages are signed as Standard Webhooks says. See docs/webhooks.md for how to verify them.',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: webhookInput,
  responses: { 201: webhookWithSecret },
  async handle({ deps, transact, organizationId, at, actor: by }, { body }) {
    deps.webhookTargets.requireAllowed(body.url);
    const { environment_id: environmentId, ...fields } = body;
    return await transact(async (tx) => {
      const { webhook, secret } = await createWebhook(tx, deps.vault, { ...fields, organizationId, environmentId }, { at, by });
      const headers = { Location: `/v1/webhooks/${webhook.id}` };
      return { status: 201, body: { webhook: webhookView(webhook, at), secret }, version: webhook.version, headers, holdsSecret: true };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/webhooks/{id}',
  id: 'getWebhook',
  summary: 'A webhook',
  tags,
  access,
  tokenScope: 'read',
  params,
  responses: { 200: webhookBody },
  async handle({ deps, organizationId, at }, { params: { id } }) {
    const webhook = await getWebhook(deps.db, organizationId, id);
    if (webhook === null) throw notFound('webhook', id);
    return { status: 200, body: webhookView(webhook, at), version: webhook.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/webhooks/{id}',
  id: 'editWebhook',
  summary: 'Change a webhook, or switch it off and on',
  tags,
  access,
  tokenScope: 'write',
  params,
  body: webhookEdit,
  responses: { 200: webhookBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'webhook');
    if (body.url !== undefined) deps.webhookTargets.requireAllowed(body.url);
    const webhook = await inTransaction(deps.db, (tx) => editWebhook(tx, deps.vault, { organizationId, id }, body, { at, by, check }));
    return { status: 200, body: webhookView(webhook, at), version: webhook.version };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/webhooks/{id}',
  id: 'deleteWebhook',
  summary: 'Delete a webhook; what is on its way to it ends',
  tags,
  access,
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'webhook');
    await inTransaction(deps.db, (tx) => deleteWebhook(tx, deps.vault, { organizationId, id }, { at, by, check }));
    return { status: 204, body: null };
  },
});

const rotate = defineOperation({
  method: 'post',
  path: '/v1/webhooks/{id}:rotate-secret',
  id: 'rotateWebhookSecret',
  summary: 'Give it a new signing secret, shown this once; the old one signs beside it for a while',
  tags,
  access,
  tokenScope: 'write',
  params,
  body: rotateInput,
  responses: { 200: webhookWithSecret },
  handle: ({ deps, transact, organizationId, at, actor: by }, { params: { id }, body }) =>
    transact(async (tx) => {
      const { webhook, secret } = await rotateSecret(tx, deps.vault, { organizationId, id }, body.previous_valid_hours, { at, by });
      return { status: 200, body: { webhook: webhookView(webhook, at), secret }, version: webhook.version, holdsSecret: true };
    }),
});

const ping = defineOperation({
  method: 'post',
  path: '/v1/webhooks/{id}:ping',
  id: 'pingWebhook',
  summary: 'Send it a `webhook.ping` to try it out; the delivery says what came of the one attempt',
  tags,
  access,
  tokenScope: 'write',
  params,
  body: z.strictObject({}).openapi('PingWebhook'),
  responses: { 202: deliveryBody },
  handle: ({ transact, organizationId, at, actor: by }, { params: { id } }) =>
    transact(async (tx) => {
      const delivery = await pingWebhook(tx, { organizationId, id }, { at, by });
      return { status: 202, body: deliveryView(delivery), headers: { Location: `/v1/webhook-deliveries/${delivery.id}` } };
    }),
});

export const webhookRoutes = [list, create, get, edit, remove, rotate, ping, ...deliveryRoutes];
