import { requestDiscovery } from '../../commands/data-sources/request-discovery.ts';
import { getDataSource, organizationOfDataSource } from '../../db/data-sources/data-source-store.ts';
import { listScopes } from '../../db/data-sources/discovery-store.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { operationBody } from '../operations/schemas.ts';
import { operationView } from '../operations/view.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { discoveryBody } from './schemas.ts';
import { discoveryView } from './views.ts';

const tags = ['data-sources'];
const params = z.strictObject({ id: idOf('data-source') });

const start = defineOperation({
  method: 'post',
  path: '/v1/data-sources/{id}:discover',
  id: 'discoverDataSource',
  summary: 'Look into the account now',
  description: 'Joins a discovery that waits, or comes after the one that runs. Follow the operation for progress.',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom: ({ db }, { id }) => organizationOfDataSource(db, id) },
  tokenScope: 'write',
  params,
  responses: { 202: operationBody },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      const { operationId } = await requestDiscovery(tx, { organizationId, id }, { cause: 'request', at, by });
      const operation = operationId === null ? null : await getOperation(tx, organizationId, operationId);
      if (operation === null) throw notFound('operation', String(operationId));
      return { status: 202, body: operationView(operation), headers: { Location: `/v1/operations/${operation.id}` } };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}/discovery',
  id: 'getDiscovery',
  summary: 'What could be listed of an account, by type of resource, and why not',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: ({ db }, { id }) => organizationOfDataSource(db, id) },
  tokenScope: 'read',
  params,
  responses: { 200: discoveryBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const source = await getDataSource(deps.db, organizationId, id);
    if (source === null) throw notFound('data-source', id);
    return { status: 200, body: discoveryView(source, await listScopes(deps.db, organizationId, id)) };
  },
});

export const discoveryRoutes = [start, get];
