import { shareResources, unshareResources } from '../../commands/environments/share-resources.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { markedBody, markInput } from './schemas.ts';
import { markedView } from './views.ts';

const common = {
  tags: ['environments'],
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: markInput,
  responses: { 200: markedBody },
} as const;

const mark = defineOperation({
  ...common,
  tags: ['environments'],
  method: 'post',
  path: '/v1/organizations/{organization_id}/environments:mark',
  id: 'markResources',
  summary: 'Mark instances and clusters as shared, each for itself: each becomes an environment',
  description: 'Instances are those that discovery knows, clusters are resources of bills whose type ends in `:cluster`. Resources of other types are refused, one by one. Marking one again succeeds and changes nothing.',
  handle: ({ transact, organizationId, at, actor: by }, { body }) =>
    transact(async (tx) => ({ status: 200, body: markedView(await shareResources(tx, { organizationId, resourceIds: body.resource_ids }, { at, by })) })),
});

const unmark = defineOperation({
  ...common,
  tags: ['environments'],
  method: 'post',
  path: '/v1/organizations/{organization_id}/environments:unmark',
  id: 'unmarkResources',
  summary: 'Share instances and clusters no longer: their environments are deleted, bookings end and holders are told',
  handle: ({ transact, organizationId, at, actor: by }, { body }) =>
    transact(async (tx) => ({ status: 200, body: markedView(await unshareResources(tx, { organizationId, resourceIds: body.resource_ids }, { at, by })) })),
});

export const markRoutes = [mark, unmark];
