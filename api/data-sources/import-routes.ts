import { cancelImport } from '../../commands/data-sources/edit-data-source.ts';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { organizationOfDataSource } from '../../db/data-sources/data-source-store.ts';
import { getImport, importDetails, listImports, organizationOfImport } from '../../db/data-sources/import-store.ts';
import { getOperation } from '../../db/operations/operation-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { operationBody } from '../operations/schemas.ts';
import { operationView } from '../operations/view.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortedBy, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { importBody, importDetailBody, importInput } from './schemas.ts';
import { importDetailView, importView } from './views.ts';

const tags = ['billing-imports'];

const start = defineOperation({
  method: 'post',
  path: '/v1/data-sources/{id}:import',
  id: 'importDataSource',
  summary: 'Import the bill now',
  description: 'Joins an import that waits, or queues behind the one that runs. Follow the operation for progress.',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom: ({ db }, { id }) => organizationOfDataSource(db, id) },
  tokenScope: 'write',
  params: z.strictObject({ id: idOf('data-source') }),
  body: importInput,
  responses: { 202: operationBody },
  async handle(context, { params: { id }, body }) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      const asked = await requestImport(tx, { organizationId, id }, { cause: 'request', months: body.months, at, by });
      const operation = await getOperation(tx, organizationId, asked.operationId);
      if (operation === null) throw notFound('operation', asked.operationId);
      return { status: 202, body: operationView(operation), headers: { Location: `/v1/operations/${operation.id}` } };
    });
  },
});

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/billing-imports',
  id: 'listBillingImports',
  summary: 'Imports',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    ...pageFields,
    data_source_id: idOf('data-source').optional(),
    state: z.enum(['scheduled', 'running', 'completed', 'failed', 'cancelled']).optional(),
    sort: sortedBy(['created_at']).default('-created_at'),
  }),
  responses: { 200: pageOf(importBody) },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listBillingImports', query, 1);
    const found = await listImports(
      deps.db,
      organizationId,
      { dataSourceId: query.data_source_id, state: query.state },
      { limit: query.page_size + 1, descending: sortOf(query.sort).descending, after: cursor === null ? null : String(cursor[0]) },
    );
    const body = toPage('listBillingImports', query, found, { item: importView, positionOf: (row) => [row.id] });
    return { status: 200, body };
  },
});

const byImport = (role: 'member' | 'engineer') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: { db: Parameters<typeof organizationOfImport>[0] }, { id }: { id: string }) => organizationOfImport(db, id),
});
const params = z.strictObject({ id: idOf('billing-import') });

const get = defineOperation({
  method: 'get',
  path: '/v1/billing-imports/{id}',
  id: 'getBillingImport',
  summary: 'What an import did: months, differences, and sums file by file, skipped accounts included',
  tags,
  access: byImport('member'),
  tokenScope: 'read',
  params,
  responses: { 200: importDetailBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const one = await getImport(deps.db, organizationId, id);
    if (one === null) throw notFound('billing-import', id);
    return { status: 200, body: importDetailView(one, await importDetails(deps.db, organizationId, id)) };
  },
});

const cancel = defineOperation({
  method: 'post',
  path: '/v1/billing-imports/{id}:cancel',
  id: 'cancelBillingImport',
  summary: 'Cancel an import; one that has ended stays as it is',
  tags,
  access: byImport('engineer'),
  tokenScope: 'write',
  params,
  responses: { 200: importBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const known = await getImport(deps.db, organizationId, id);
    if (known === null) throw notFound('billing-import', id);
    return await context.transact(async (tx) => {
      await cancelImport(tx, { organizationId, id: known.dataSourceId }, id, { at, by });
      const one = await getImport(tx, organizationId, id);
      if (one === null) throw notFound('billing-import', id);
      return { status: 200, body: importView(one) };
    });
  },
});

export const importRoutes = [start, list, get, cancel];
