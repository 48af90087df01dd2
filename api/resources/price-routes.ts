import { replaceInstancePrices } from '../../commands/resources/replace-prices.ts';
import { readPriceList } from '../../db/resources/instance-price-store.ts';
import { CLOUDS } from '../../domain/resources/instance.ts';
import { MOST_INSTANCE_PRICES, type InstancePrice } from '../../domain/resources/instance-price.ts';
import { currencyCode } from '../shared/cost-fields.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';

const tags = ['instances'];
const path = '/v1/organizations/{organization_id}/instance-prices';

const priceFields = {
  cloud: z.enum(CLOUDS),
  instance_type: z.string().trim().min(1).max(200).openapi({ example: 'm5.large', description: 'As instances show it; upper and lower case are the same.' }),
  currency: currencyCode,
  hourly_price: z.string().max(40).openapi({ example: '0.096', description: 'Exact decimal text.' }),
};

const priceInput = z.strictObject({
  ...priceFields,
  region: z.string().trim().min(1).max(200).nullable().default(null).openapi({ description: 'As instances show it; null for every region without a line of its own.' }),
});

const pricesInput = z.strictObject({ items: z.array(priceInput).max(MOST_INSTANCE_PRICES) }).openapi('ReplaceInstancePrices');
const pricesBody = z
  .strictObject({ items: z.array(z.strictObject({ ...priceFields, region: z.string().nullable() })), total: z.int() })
  .openapi('InstancePrices');

function pricesView(prices: readonly InstancePrice[]): z.input<typeof pricesBody> {
  const items = prices.map(({ cloud, region, instanceType, currency, hourlyPrice }) => ({ cloud, region, instance_type: instanceType, currency, hourly_price: hourlyPrice }));
  return { items, total: items.length };
}

const get = defineOperation({
  method: 'get',
  path,
  id: 'getInstancePrices',
  summary: 'What an hour of instances costs where neither bill nor cloud says it: the organization’s own list',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  responses: { 200: pricesBody },
  async handle({ deps, organizationId }) {
    return { status: 200, body: pricesView(await readPriceList(deps.db, organizationId)) };
  },
});

const put = defineOperation({
  method: 'put',
  path,
  id: 'replaceInstancePrices',
  summary: 'Put a list of hourly prices in the place of the organization’s',
  description: 'The list is replaced whole. A simulation and a saving take what bills charged for an hour, else the price the cloud itself tells, else the line of this list for the region, else the one for any region.',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: pricesInput,
  responses: { 200: pricesBody },
  async handle(context, { body: { items } }) {
    const { organizationId, at, actor: by } = context;
    const wish = items.map((item) => ({ cloud: item.cloud, region: item.region, instanceType: item.instance_type, currency: item.currency, hourlyPrice: item.hourly_price }));
    return await context.transact(async (tx) => ({ status: 200, body: pricesView(await replaceInstancePrices(tx, organizationId, wish, { at, by })) }));
  },
});

const clear = defineOperation({
  method: 'delete',
  path,
  id: 'clearInstancePrices',
  summary: 'Empty the organization’s list of hourly prices',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  responses: { 204: null },
  async handle(context) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      await replaceInstancePrices(tx, organizationId, [], { at, by });
      return { status: 204, body: null };
    });
  },
});

export const instancePriceRoutes = [get, put, clear];
