import {
  createEnvironment,
  deactivateEnvironment,
  deleteEnvironment,
  editEnvironment,
  reactivateEnvironment,
} from '../../commands/environments/edit-environment.ts';
import { listEnvironments, type ListedEnvironment } from '../../db/environments/environment-list.ts';
import { listPropertyChanges } from '../../db/environments/environment-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { requireCaller } from '../shared/authorize.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { calendarRoutes } from './calendar-routes.ts';
import { collectorRoutes } from './collector-routes.ts';
import { feedRoutes } from './feed-routes.ts';
import { markRoutes } from './mark-routes.ts';
import { environmentAnswer, environmentParams as params, ofEnvironment } from './of-environment.ts';
import { environmentBody, environmentEdit, environmentInput, historyQuery, listQuery, propertyChangeBody } from './schemas.ts';
import { environmentView, propertyChangeView } from './views.ts';

const tags = ['environments'];

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/environments',
  id: 'listEnvironments',
  summary: 'Shared environments by name, with their status and upcoming bookings',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: listQuery,
  responses: { 200: pageOf(environmentBody) },
  async handle(context, { query }) {
    const { deps, organizationId, at } = context;
    const cursor = readCursor('listEnvironments', query, 2);
    const filter = {
      search: query.search,
      status: query.status,
      accessible: query.accessible_by_me === true ? bookerOf(context) : undefined,
      resourceType: query.resource_type,
      poolId: query.pool_id,
      ownerUserId: query.owner_user_id,
    };
    const after = cursor === null ? null : { name: String(cursor[0]), id: String(cursor[1]) };
    const found = await listEnvironments(deps.db, organizationId, filter, { at, limit: query.page_size + 1, after });
    const positionOf = ({ environment }: ListedEnvironment) => [environment.name, environment.id];
    return { status: 200, body: toPage('listEnvironments', query, found, { item: environmentView, positionOf }) };
  },
});

/** Members look, engineers and managers book. */
function bookerOf({ caller, role }: Pick<RequestContext, 'caller' | 'role'>): { userId: string; mayBook: boolean } {
  return { userId: requireCaller(caller).userId, mayBook: role === 'engineer' || role === 'manager' };
}

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/environments',
  id: 'createEnvironment',
  summary: 'Make an environment by hand',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: environmentInput,
  responses: { 201: environmentBody },
  handle: ({ transact, organizationId, at, actor: by }, { body }) =>
    transact(async (tx) => {
      const { name, resource_type: resourceType, ssh_required: sshRequired, properties } = body;
      const wish = { organizationId, name, resourceType, sshRequired, properties, ownerUserId: body.owner_user_id, poolId: body.pool_id };
      const { id } = await createEnvironment(tx, wish, { at, by });
      return { status: 201, ...(await environmentAnswer(tx, organizationId, id, at)), headers: { Location: `/v1/environments/${id}` } };
    }),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/environments/{id}',
  id: 'getEnvironment',
  summary: 'An environment',
  tags,
  access: ofEnvironment('member'),
  tokenScope: 'read',
  params,
  responses: { 200: environmentBody },
  handle: async ({ deps, organizationId, at }, { params: { id } }) => ({ status: 200, ...(await environmentAnswer(deps.db, organizationId, id, at)) }),
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/environments/{id}',
  id: 'editEnvironment',
  summary: 'Change an environment; properties are merged, null takes one away',
  tags,
  access: ofEnvironment('manager'),
  tokenScope: 'write',
  params,
  body: environmentEdit,
  responses: { 200: environmentBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'environment');
    const changes = {
      name: body.name,
      resourceType: body.resource_type,
      sshRequired: body.ssh_required,
      properties: body.properties,
      ownerUserId: body.owner_user_id,
      poolId: body.pool_id,
      powerOnBefore: body.power_on_before,
      powerOffAfter: body.power_off_after,
    };
    return await inTransaction(deps.db, async (tx) => {
      await editEnvironment(tx, { organizationId, id }, changes, { at, by, check });
      return { status: 200, ...(await environmentAnswer(tx, organizationId, id, at)) };
    });
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/environments/{id}',
  id: 'deleteEnvironment',
  summary: 'Delete an environment; its bookings end now and their holders are told',
  tags,
  access: ofEnvironment('manager'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'environment');
    await inTransaction(deps.db, (tx) => deleteEnvironment(tx, { organizationId, id }, { at, by, check }));
    return { status: 204, body: null };
  },
});

function verb(name: string, summary: string, act: typeof deactivateEnvironment) {
  return defineOperation({
    method: 'post',
    path: `/v1/environments/{id}:${name}`,
    id: `${name}Environment`,
    summary,
    tags,
    access: ofEnvironment('manager'),
    tokenScope: 'write',
    params,
    responses: { 200: environmentBody },
    handle: ({ transact, organizationId, at, actor: by }, { params: { id } }) =>
      transact(async (tx) => {
        await act(tx, { organizationId, id }, { at, by });
        return { status: 200, ...(await environmentAnswer(tx, organizationId, id, at)) };
      }),
  });
}

const history = defineOperation({
  method: 'get',
  path: '/v1/environments/{id}/property-changes',
  id: 'listPropertyChanges',
  summary: 'What became of its properties, newest first, with old and new values',
  tags,
  access: ofEnvironment('member'),
  tokenScope: 'read',
  params,
  query: historyQuery,
  responses: { 200: pageOf(propertyChangeBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const cursor = readCursor('listPropertyChanges', query, 2);
    const before = cursor === null ? null : { at: String(cursor[0]), id: String(cursor[1]) };
    const found = await listPropertyChanges(deps.db, organizationId, id, query, { limit: query.page_size + 1, before });
    return { status: 200, body: toPage('listPropertyChanges', query, found, { item: propertyChangeView, positionOf: (row) => [row.at, row.id] }) };
  },
});

export const environmentRoutes = [
  list,
  create,
  get,
  edit,
  remove,
  verb('deactivate', 'Take an environment out of service: nobody books it any more, bookings stay', deactivateEnvironment),
  verb('reactivate', 'Put an environment back into service', reactivateEnvironment),
  history,
  ...markRoutes,
  ...collectorRoutes,
  ...calendarRoutes,
  ...feedRoutes,
];
