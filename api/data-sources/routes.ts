import { deleteDataSource, editDataSource } from '../../commands/data-sources/edit-data-source.ts';
import { DATA_SOURCE_SORTS, getDataSource, listDataSources, organizationOfDataSource } from '../../db/data-sources/data-source-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { CLOUDS } from '../../domain/resources/instance.ts';
import { idOf, inOrganization, searchText } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, positionAfter, readCursor, sortedBy, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { connect, connectResponses, reconnect } from './connect.ts';
import { importRoutes } from './import-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { connectInput, reconnectInput } from './connection-schemas.ts';
import { discoveryRoutes } from './discovery-routes.ts';
import { dataSourceBody, editInput } from './schemas.ts';
import { dataSourceView } from './views.ts';

const tags = ['data-sources'];
const params = z.strictObject({ id: idOf('data-source') });

/** Access by role in the organization that owns the data source. */
export function ofDataSource(role: 'member' | 'engineer' | 'manager') {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfDataSource(db, id),
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/data-sources',
  id: 'listDataSources',
  summary: 'Cloud accounts connected',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    ...pageFields,
    search: searchText.optional(),
    cloud: z.enum(CLOUDS).optional(),
    kind: z.enum(['root', 'linked', 'account']).optional(),
    state: z.enum(['active', 'paused', 'deleting']).optional(),
    sort: sortedBy(DATA_SOURCE_SORTS).default('name'),
  }),
  responses: { 200: pageOf(dataSourceBody) },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listDataSources', query, 2);
    const { search, cloud, kind, state } = query;
    const page = { limit: query.page_size + 1, after: positionAfter(cursor), ...sortOf(query.sort) };
    const found = await listDataSources(deps.db, organizationId, { search, cloud, kind, state }, page);
    const body = toPage('listDataSources', query, found, { item: dataSourceView, positionOf: (row) => row.position });
    return { status: 200, body };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/data-sources',
  id: 'connectDataSource',
  summary: 'Connect a cloud account, and with AWS its bill',
  description:
    'The credentials are tried before anything is saved. Answers 201 when the cloud answered within 20 seconds, else 202 with an operation. ' +
    'The first import and the first discovery start by themselves. Without `cloud`, AWS is meant.',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: connectInput,
  responses: connectResponses,
  handle: (context, { body }) => connect(context, body),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}',
  id: 'getDataSource',
  summary: 'A data source with its last attempt, last success and last error',
  tags,
  access: ofDataSource('member'),
  tokenScope: 'read',
  params,
  responses: { 200: dataSourceBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const source = await getDataSource(deps.db, organizationId, id);
    if (source === null) throw notFound('data-source', id);
    return { status: 200, body: dataSourceView(source), version: source.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/data-sources/{id}',
  id: 'editDataSource',
  summary: 'Rename, change intervals or the taken accounts, pause or resume',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params,
  body: editInput,
  responses: { 200: dataSourceBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'data-source');
    const changes = {
      name: body.name,
      linkedAccounts: body.linked_accounts,
      importIntervalMinutes: body.import_interval_minutes,
      discoveryIntervalMinutes: body.discovery_interval_minutes,
      paused: body.paused,
    };
    const source = await inTransaction(deps.db, (tx) => editDataSource(tx, { organizationId, id }, changes, { at, by, check }));
    return { status: 200, body: dataSourceView(source), version: source.version };
  },
});

const update = defineOperation({
  method: 'post',
  path: '/v1/data-sources/{id}:reconnect',
  id: 'reconnectDataSource',
  summary: 'Put new credentials or export settings in place, once they have been tried',
  description:
    'The account stays the same. With AWS it also switches a bill from legacy CUR to CUR 2.0, in the same bucket or another one, without counting anything twice.',
  tags,
  access: ofDataSource('manager'),
  tokenScope: 'write',
  params,
  body: reconnectInput,
  responses: connectResponses,
  handle: (context, { params: { id }, body }) => reconnect(context, id, body),
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/data-sources/{id}',
  id: 'deleteDataSource',
  summary: 'Disconnect: its schedules end at once, its data is purged by a workflow, the ledger stays',
  tags,
  access: ofDataSource('manager'),
  tokenScope: 'write',
  params,
  responses: { 202: dataSourceBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'data-source');
    const source = await inTransaction(deps.db, (tx) => deleteDataSource(tx, { organizationId, id }, { at, by, check }));
    return { status: 202, body: dataSourceView(source), version: source.version };
  },
});

export const dataSourceRoutes = [list, create, get, edit, update, remove, ...policyRoutes, ...importRoutes, ...discoveryRoutes];
