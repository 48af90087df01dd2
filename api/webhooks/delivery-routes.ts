import { replayDelivery } from '../../commands/webhooks/request-delivery.ts';
import { attemptsOf, getDelivery, listDeliveries, organizationOfDelivery } from '../../db/webhooks/delivery-store.ts';
import { organizationOfWebhook } from '../../db/webhooks/webhook-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { deliveriesQuery, deliveryBody, deliveryWithLog } from './schemas.ts';
import { deliveryLogView, deliveryView } from './views.ts';

const tags = ['webhooks'];
const params = z.strictObject({ id: idOf('webhook-delivery') });
const access = {
  kind: 'organization' as const,
  role: 'manager' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfDelivery(db, id),
};

const list = defineOperation({
  method: 'get',
  path: '/v1/webhooks/{id}/deliveries',
  id: 'listWebhookDeliveries',
  summary: 'What was sent to a webhook, newest first; kept for 30 days after its end',
  tags,
  access: { ...access, scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfWebhook(db, id) },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('webhook') }),
  query: deliveriesQuery,
  responses: { 200: pageOf(deliveryBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const cursor = readCursor('listWebhookDeliveries', query, 1);
    const filter = { state: query.state, eventType: query.event };
    const found = await listDeliveries(deps.db, organizationId, id, filter, { limit: query.page_size + 1, before: cursor === null ? null : String(cursor[0]) });
    return { status: 200, body: toPage('listWebhookDeliveries', query, found, { item: deliveryView, positionOf: (row) => [row.id] }) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/webhook-deliveries/{id}',
  id: 'getWebhookDelivery',
  summary: 'A delivery with its payload and each attempt',
  tags,
  access,
  tokenScope: 'read',
  params,
  responses: { 200: deliveryWithLog },
  async handle({ deps, organizationId }, { params: { id } }) {
    const delivery = await getDelivery(deps.db, organizationId, id);
    if (delivery === null) throw notFound('webhook-delivery', id);
    return { status: 200, body: deliveryLogView(delivery, await attemptsOf(deps.db, organizationId, id)) };
  },
});

const replay = defineOperation({
  method: 'post',
  path: '/v1/webhook-deliveries/{id}:replay',
  id: 'replayWebhookDelivery',
  summary: 'Send it once more, under the same message id, to where its webhook points now',
  tags,
  access,
  tokenScope: 'write',
  params,
  body: z.strictObject({}).openapi('ReplayWebhookDelivery'),
  responses: { 202: deliveryBody },
  handle: ({ transact, organizationId, at, actor: by }, { params: { id } }) =>
    transact(async (tx) => {
      const delivery = await replayDelivery(tx, { organizationId, id }, { at, by });
      return { status: 202, body: deliveryView(delivery), headers: { Location: `/v1/webhook-deliveries/${delivery.id}` } };
    }),
});

export const deliveryRoutes = [list, get, replay];
