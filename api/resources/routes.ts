import { listResources } from '../../db/resources/resource-list.ts';
import { getInstance } from '../../db/resources/instance-list.ts';
import { getResource, organizationOfResource, readResourceCosts } from '../../db/resources/resource-store.ts';
import { parseTagFilters } from '../../domain/billing/expense-dimension.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { firstDayOf } from '../../domain/shared/time.ts';
import { periodOf } from '../shared/cost-fields.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type OrganizationOf } from '../shared/operation.ts';
import { pageTokenOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { instanceRoutes } from './instance-routes.ts';
import { instancePriceRoutes } from './price-routes.ts';
import { lineItemsBody, lineItemsQuery, resourceBody, resourceQuery, resourcesBody, resourcesQuery } from './schemas.ts';
import { lineItemView, listedView, resourceView } from './views.ts';

const byId = z.strictObject({ id: idOf('resource') });
const scopeFrom: OrganizationOf<{ id: string }> = (deps, { id }) => organizationOfResource(deps.db, id);

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/resources',
  id: 'listResources',
  summary: 'Resources with costs in a period, dearest first',
  tags: ['resources'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: resourcesQuery,
  responses: { 200: resourcesBody },
  async handle(context, { query }) {
    const period = { ...periodOf(query, context.at), metric: query.metric };
    const cursor = readCursor('listResources', query, 2);
    const found = await listResources(
      context.deps.db,
      context.organizationId,
      {
        ...period,
        search: query.search ?? null,
        type: query.type ?? [],
        region: query.region ?? [],
        service: query.service ?? [],
        account: query.account ?? [],
        dataSource: query.data_source ?? [],
        tags: parseTagFilters(query.tag ?? [], query.untagged ?? []),
        sort: query.sort,
        order: query.order ?? (query.sort === 'name' ? 'asc' : 'desc'),
      },
      { limit: query.page_size + 1, after: cursor === null ? null : [String(cursor[0]), String(cursor[1])] },
    );
    const page = toPage('listResources', query, found, { item: listedView, positionOf: (row) => row.position });
    return { status: 200, body: { ...period, ...page, total_costs: found.totalCosts } };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/resources/{id}',
  id: 'getResource',
  summary: 'A resource, its tags, and what it cost day by day',
  tags: ['resources'],
  access: { kind: 'organization', role: 'member', scopeFrom },
  tokenScope: 'read',
  params: byId,
  query: resourceQuery,
  responses: { 200: resourceBody },
  async handle(context, { params, query }) {
    const period = { ...periodOf(query, context.at), metric: query.metric };
    const resource = await getResource(context.deps.db, context.organizationId, params.id);
    if (resource === null) throw notFound('resource', params.id);
    const costs = await readResourceCosts(context.deps.db, context.organizationId, params.id, period);
    const instance = await getInstance(context.deps.db, context.organizationId, params.id);
    return { status: 200, body: resourceView(resource, costs, period, instance) };
  },
});

const lineItems = defineOperation({
  method: 'get',
  path: '/v1/resources/{id}/line-items',
  id: 'listResourceLineItems',
  summary: 'A resource’s line items of one month, as its bill has them',
  description: 'Read from the stored source files; a page may be short while there is a next one.',
  tags: ['resources'],
  access: { kind: 'organization', role: 'member', scopeFrom },
  tokenScope: 'read',
  params: byId,
  query: lineItemsQuery,
  responses: { 200: lineItemsBody },
  async handle(context, { params, query }) {
    const bound = { ...query, resource: params.id };
    const cursor = readCursor('listResourceLineItems', bound, 3);
    const position =
      cursor === null ? null : { dataSourceId: String(cursor[0]), generationId: String(cursor[1]), offset: Number(cursor[2]) };
    const { items, next } = await context.deps.lineItems.read({
      organizationId: context.organizationId,
      resourceId: params.id,
      billingPeriod: firstDayOf(query.billing_period),
      position,
      limit: query.page_size,
      signal: AbortSignal.timeout(LINE_ITEMS_MILLISECONDS),
    });
    return {
      status: 200,
      body: {
        billing_period: query.billing_period,
        items: items.map(lineItemView),
        displayed: items.length,
        next_page_token: next === null ? null : pageTokenOf('listResourceLineItems', bound, [next.dataSourceId, next.generationId, next.offset]),
      },
    };
  },
});

/** Reading a large bill's files takes seconds; nobody waits longer than this. */
const LINE_ITEMS_MILLISECONDS = 60_000;

export const resourceRoutes = [list, get, lineItems, ...instanceRoutes, ...instancePriceRoutes];
