import { getOperation, listOperations, organizationOfOperation } from '../../db/operations/operation-store.ts';
import { OPERATION_STATES } from '../../domain/operations/operation.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortedBy, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { operationBody } from './schemas.ts';
import { operationView } from './view.ts';

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/operations',
  id: 'listOperations',
  summary: 'Long work of an organization',
  tags: ['operations'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    ...pageFields,
    kind: z.string().max(100).optional(),
    state: z.enum(OPERATION_STATES).optional(),
    subject_id: z.string().max(100).optional(),
    sort: sortedBy(['created_at']).default('-created_at'),
  }),
  responses: { 200: pageOf(operationBody) },
  async handle(context, { query }) {
    const cursor = readCursor('listOperations', query, 1);
    const found = await listOperations(
      context.deps.db,
      context.organizationId,
      { kind: query.kind, state: query.state, subjectId: query.subject_id },
      { limit: query.page_size + 1, descending: sortOf(query.sort).descending, after: cursor === null ? null : String(cursor[0]) },
    );
    return {
      status: 200,
      body: toPage('listOperations', query, found, { item: operationView, positionOf: (row) => [row.id] }),
    };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/operations/{id}',
  id: 'getOperation',
  summary: 'How far a piece of long work is, and what came of it',
  tags: ['operations'],
  access: { kind: 'organization', role: 'member', scopeFrom: (deps, { id }) => organizationOfOperation(deps.db, id) },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('operation') }),
  responses: { 200: operationBody },
  async handle(context, { params }) {
    const operation = await getOperation(context.deps.db, context.organizationId, params.id);
    if (operation === null) throw notFound('operation', params.id);
    return { status: 200, body: operationView(operation) };
  },
});

export const operationRoutes = [list, get];
