import { createPool, deletePool, editPool } from '../../commands/pools/edit-pool.ts';
import { getListedPool, listPools, organizationOfPool, type ListedPool } from '../../db/pools/pool-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, inOrganization, instant, searchText } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const tags = ['pools'];
const params = z.strictObject({ id: idOf('pool') });
const name = z.string().trim().min(1).max(200);
const owner = idOf('user').nullable();

const poolBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    parent_id: z.string().nullable().openapi({ description: 'Null for the root.' }),
    name: z.string(),
    depth: z.int().openapi({ description: '0 for the root.' }),
    owner: z.strictObject({ id: z.string(), display_name: z.string() }).nullable(),
    pools: z.int().openapi({ description: 'Pools directly in it.' }),
    environments: z.int().openapi({ description: 'Environments directly in it.' }),
    version: z.int(),
    created_at: instant,
  })
  .openapi('Pool');

function poolView({ pool, depth, ownerName, pools, environments }: ListedPool): z.input<typeof poolBody> {
  return {
    id: pool.id,
    organization_id: pool.organizationId,
    parent_id: pool.parentId,
    name: pool.name,
    depth,
    owner: pool.ownerUserId === null ? null : { id: pool.ownerUserId, display_name: ownerName ?? '' },
    pools,
    environments,
    version: pool.version,
    created_at: pool.createdAt,
  };
}

function ofPool(role: 'member' | 'manager') {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfPool(db, id),
  };
}

async function answer(tx: Transaction | RequestContext['deps']['db'], organizationId: string, id: string) {
  const listed = await getListedPool(tx, organizationId, id);
  if (listed === null) throw notFound('pool', id);
  return { body: poolView(listed), version: listed.pool.version };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/pools',
  id: 'listPools',
  summary: 'Pools, each before those below it',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({ ...pageFields, search: searchText.optional() }),
  responses: { 200: pageOf(poolBody) },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listPools', query, 1);
    const offset = cursor === null ? 0 : Number(cursor[0]);
    const found = await listPools(deps.db, organizationId, { search: query.search }, { limit: query.page_size + 1, offset });
    // A tree has no column to order by: the position is how many came before.
    const positionOf = () => [offset + query.page_size];
    return { status: 200, body: toPage('listPools', query, found, { item: poolView, positionOf }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/pools',
  id: 'createPool',
  summary: 'Make a pool below another one, or below the root',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: z.strictObject({ name, parent_id: idOf('pool').nullable().default(null), owner_user_id: owner.default(null) }).openapi('CreatePool'),
  responses: { 201: poolBody },
  handle: ({ transact, organizationId, at, actor: by }, { body }) =>
    transact(async (tx) => {
      const pool = await createPool(tx, { organizationId, name: body.name, parentId: body.parent_id, ownerUserId: body.owner_user_id }, { at, by });
      return { status: 201, ...(await answer(tx, organizationId, pool.id)), headers: { Location: `/v1/pools/${pool.id}` } };
    }),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/pools/{id}',
  id: 'getPool',
  summary: 'A pool',
  tags,
  access: ofPool('member'),
  tokenScope: 'read',
  params,
  responses: { 200: poolBody },
  handle: async ({ deps, organizationId }, { params: { id } }) => ({ status: 200, ...(await answer(deps.db, organizationId, id)) }),
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/pools/{id}',
  id: 'editPool',
  summary: 'Rename or move a pool, or give it another owner',
  tags,
  access: ofPool('manager'),
  tokenScope: 'write',
  params,
  body: z.strictObject({ name: name.optional(), parent_id: idOf('pool').optional(), owner_user_id: owner.optional() }).openapi('EditPool'),
  responses: { 200: poolBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'pool');
    const changes = { name: body.name, parentId: body.parent_id, ownerUserId: body.owner_user_id };
    return await inTransaction(deps.db, async (tx) => {
      await editPool(tx, { organizationId, id }, changes, { at, by, check });
      return { status: 200, ...(await answer(tx, organizationId, id)) };
    });
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/pools/{id}',
  id: 'deletePool',
  summary: 'Delete a pool that holds nothing',
  tags,
  access: ofPool('manager'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'pool');
    await inTransaction(deps.db, (tx) => deletePool(tx, { organizationId, id }, { at, by, check }));
    return { status: 204, body: null };
  },
});

export const poolRoutes = [list, create, get, edit, remove];
