import { createScalingGroup, editScalingGroup, removeScalingGroup } from '../../commands/sandbox/scaling-groups.ts';
import { sandboxOf } from '../../commands/sandbox/shared.ts';
import { getScalingGroup, listScalingGroups, organizationOfScalingGroup } from '../../db/sandbox/scaling-group-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { ofDataSource } from '../data-sources/routes.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { groupBody, groupEdit, groupInput, listedGroupBody } from './schemas.ts';
import { groupView, listedGroupView } from './views.ts';

const tags = ['sandbox'];
const ofSource = z.strictObject({ id: idOf('data-source') });
const params = z.strictObject({ id: idOf('sandbox-scaling-group') });

function ofGroup(role: 'member' | 'engineer') {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfScalingGroup(db, id),
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}/sandbox-scaling-groups',
  id: 'listSandboxScalingGroups',
  summary: 'Scaling groups of a sandbox',
  tags,
  access: ofDataSource('member'),
  tokenScope: 'read',
  params: ofSource,
  query: z.strictObject(pageFields),
  responses: { 200: pageOf(listedGroupBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const key = await sandboxOf(deps.db, organizationId, id);
    const bound = { ...query, data_source: id };
    const cursor = readCursor('listSandboxScalingGroups', bound, 1);
    const found = await listScalingGroups(deps.db, key, { limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) });
    const body = toPage('listSandboxScalingGroups', bound, found, { item: listedGroupView, positionOf: (row) => [row.id] });
    return { status: 200, body };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/data-sources/{id}/sandbox-scaling-groups',
  id: 'createSandboxScalingGroup',
  summary: 'Make a scaling group; instances join it by their scaling_group_id',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params: ofSource,
  body: groupInput,
  responses: { 201: groupBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const key = await sandboxOf(deps.db, organizationId, id);
    return await context.transact(async (tx) => {
      const wish = { key, name: body.name, replacedAfterSeconds: body.replaced_after_seconds };
      const group = await createScalingGroup(tx, wish, { at, by });
      return { status: 201, body: groupView(group), version: group.version };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/sandbox-scaling-groups/{id}',
  id: 'getSandboxScalingGroup',
  summary: 'One scaling group',
  tags,
  access: ofGroup('member'),
  tokenScope: 'read',
  params,
  responses: { 200: groupBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const group = await getScalingGroup(deps.db, organizationId, id);
    if (group === null) throw notFound('sandbox-scaling-group', id);
    return { status: 200, body: groupView(group), version: group.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/sandbox-scaling-groups/{id}',
  id: 'editSandboxScalingGroup',
  summary: 'Rename a scaling group, or change how soon it replaces',
  tags,
  access: ofGroup('engineer'),
  tokenScope: 'write',
  params,
  body: groupEdit,
  responses: { 200: groupBody },
  async handle(context, { params: { id }, body }) {
    const { organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'sandbox-scaling-group');
    return await context.transact(async (tx) => {
      const changes = { name: body.name, replacedAfterSeconds: body.replaced_after_seconds };
      const group = await editScalingGroup(tx, { organizationId, id }, changes, { at, by, check });
      return { status: 200, body: groupView(group), version: group.version };
    });
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/sandbox-scaling-groups/{id}',
  id: 'deleteSandboxScalingGroup',
  summary: 'Delete a scaling group; its members stay, on their own',
  tags,
  access: ofGroup('engineer'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      await removeScalingGroup(tx, { organizationId, id }, { at, by });
      return { status: 204, body: null };
    });
  },
});

export const scalingGroupRoutes = [list, create, get, edit, remove];
