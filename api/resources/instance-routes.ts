import { editInstance } from '../../commands/resources/edit-instance.ts';
import { getInstance, listInstances, organizationOfInstance } from '../../db/resources/instance-list.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { parseInstanceTags, type InstanceSort } from '../../domain/resources/instance-query.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type OrganizationOf } from '../shared/operation.ts';
import { readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { editInstanceInput, instanceBody, instancesBody, instancesQuery } from './instance-schemas.ts';
import { instanceView } from './instance-views.ts';

const tags = ['instances'];
const byId = z.strictObject({ id: idOf('resource') });
const scopeFrom: OrganizationOf<{ id: string }> = ({ db }, { id }) => organizationOfInstance(db, id);

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/instances',
  id: 'listInstances',
  summary: 'Instances of all clouds, as discovery and power runs saw them last',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: instancesQuery,
  responses: { 200: instancesBody },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listInstances', query, 2);
    const found = await listInstances(
      deps.db,
      organizationId,
      {
        search: query.search ?? null,
        dataSource: query.data_source ?? [],
        cloud: query.cloud ?? [],
        region: query.region ?? [],
        state: query.state ?? [],
        type: query.type ?? [],
        canStop: query.can_stop === undefined ? null : query.can_stop === 'true',
        tags: parseInstanceTags(query.tag ?? []),
        gone: query.gone,
        sort: query.sort.replace(/^-/, '') as InstanceSort,
        descending: query.sort.startsWith('-'),
      },
      { limit: query.page_size + 1, after: cursor === null ? null : [String(cursor[0]), String(cursor[1])] },
    );
    return { status: 200, body: toPage('listInstances', query, found, { item: instanceView, positionOf: (row) => row.position }) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/instances/{id}',
  id: 'getInstance',
  summary: 'An instance, by the id of its resource; gone ones too',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom },
  tokenScope: 'read',
  params: byId,
  responses: { 200: instanceBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const instance = await getInstance(deps.db, organizationId, id);
    if (instance === null) throw notFound('instance', id);
    return { status: 200, body: instanceView(instance), version: instance.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/instances/{id}',
  id: 'editInstance',
  summary: 'Let stopping an instance empty its local disks, or not',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom },
  tokenScope: 'write',
  params: byId,
  body: editInstanceInput,
  responses: { 200: instanceBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'instance');
    const instance = await inTransaction(deps.db, async (tx) => {
      await editInstance(tx, { organizationId, id }, { discardLocalSsd: body.discard_local_ssd }, { at, by, check });
      return await getInstance(tx, organizationId, id);
    });
    if (instance === null) throw notFound('instance', id);
    return { status: 200, body: instanceView(instance), version: instance.version };
  },
});

export const instanceRoutes = [list, get, edit];
