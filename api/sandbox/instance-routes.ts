import {
  actInConsole,
  createSandboxInstances,
  deleteSandboxInstance,
  editSandboxInstance,
  replaceStoppedMembers,
} from '../../commands/sandbox/instances.ts';
import { sandboxOf } from '../../commands/sandbox/shared.ts';
import { getSandboxInstance, listSandboxInstances, organizationOfSandboxInstance } from '../../db/sandbox/instance-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { settle } from '../../domain/sandbox/instance.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { ofDataSource } from '../data-sources/routes.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { createdBody, instanceBody, instanceEdit, instanceInput, instancesBody, instancesQuery } from './schemas.ts';
import { instanceView } from './views.ts';

const tags = ['sandbox'];
const ofSource = z.strictObject({ id: idOf('data-source') });
const params = z.strictObject({ id: idOf('sandbox-instance') });

/** Instances that a request answers with; the rest is in the list. */
const SHOWN = 100;

function ofInstance(role: 'member' | 'engineer') {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfSandboxInstance(db, id),
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}/sandbox-instances',
  id: 'listSandboxInstances',
  summary: 'Instances of a sandbox, oldest first, as they are now',
  tags,
  access: ofDataSource('member'),
  tokenScope: 'read',
  params: ofSource,
  query: instancesQuery,
  responses: { 200: instancesBody },
  async handle({ deps, organizationId, at }, { params: { id }, query }) {
    const key = await sandboxOf(deps.db, organizationId, id);
    const bound = { ...query, data_source: id };
    const cursor = readCursor('listSandboxInstances', bound, 1);
    const page = { at, limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) };
    const found = await inTransaction(deps.db, async (tx) => {
      await replaceStoppedMembers(tx, key, at);
      return await listSandboxInstances(tx, key, query, page);
    });
    const view = { item: (row: (typeof found.rows)[number]) => instanceView(row, at), positionOf: (row: { id: string }) => [row.id] };
    return { status: 200, body: toPage('listSandboxInstances', bound, found, view) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/data-sources/{id}/sandbox-instances',
  id: 'createSandboxInstances',
  summary: 'Make one instance or up to ten thousand alike',
  description: 'The product sees them with its next discovery.',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params: ofSource,
  body: instanceInput,
  responses: { 201: createdBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const key = await sandboxOf(deps.db, organizationId, id);
    const wish = { ...settingsOf(body), name: body.name, regionId: body.region_id, zone: body.zone, state: body.state };
    return await context.transact(async (tx) => {
      const made = await createSandboxInstances(tx, { key, wish, count: body.count }, { at, by });
      return { status: 201, body: { created: made.length, items: made.slice(0, SHOWN).map((instance) => instanceView(instance, at)) } };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/sandbox-instances/{id}',
  id: 'getSandboxInstance',
  summary: 'One instance as it is now',
  tags,
  access: ofInstance('member'),
  tokenScope: 'read',
  params,
  responses: { 200: instanceBody },
  async handle({ deps, organizationId, at }, { params: { id } }) {
    const instance = await getSandboxInstance(deps.db, organizationId, id);
    if (instance === null || settle(instance, at).state === 'terminated') throw notFound('sandbox-instance', id);
    return { status: 200, body: instanceView(instance, at), version: instance.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/sandbox-instances/{id}',
  id: 'editSandboxInstance',
  summary: 'Change an instance: tags, type, how long it takes to start and stop, what keeps it from being stopped',
  tags,
  access: ofInstance('engineer'),
  tokenScope: 'write',
  params,
  body: instanceEdit,
  responses: { 200: instanceBody },
  async handle(context, { params: { id }, body }) {
    const { organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'sandbox-instance');
    return await context.transact(async (tx) => {
      const instance = await editSandboxInstance(tx, { organizationId, id }, { ...settingsOf(body), name: body.name }, { at, by, check });
      return { status: 200, body: instanceView(instance, at), version: instance.version };
    });
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/sandbox-instances/{id}',
  id: 'deleteSandboxInstance',
  summary: 'Terminate an instance: the sandbox knows it no longer',
  tags,
  access: ofInstance('engineer'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      await deleteSandboxInstance(tx, { organizationId, id }, { at, by });
      return { status: 204, body: null };
    });
  },
});

const SUMMARY = {
  start: 'Start an instance as somebody does in the cloud’s own console',
  stop: 'Stop an instance as somebody does in the cloud’s own console; one that is stuck is freed',
};

const inConsole = (['start', 'stop'] as const).map((action) =>
  defineOperation({
    method: 'post',
    path: `/v1/sandbox-instances/{id}:${action}`,
    id: `${action}SandboxInstance`,
    summary: SUMMARY[action],
    description: 'Beside the product, which finds out by looking. No fault meets it.',
    tags,
    access: ofInstance('engineer'),
    tokenScope: 'write',
    params,
    responses: { 200: instanceBody },
    async handle(context, { params: { id } }) {
      const { organizationId, at, actor: by } = context;
      return await context.transact(async (tx) => {
        const instance = await actInConsole(tx, { organizationId, id }, action, { at, by });
        return { status: 200, body: instanceView(instance, at), version: instance.version };
      });
    },
  }),
);

type Given<T> = { [K in keyof T]?: T[K] | undefined };

/** The settings in a body; what it leaves out stays out. */
function settingsOf<B extends Given<z.output<typeof instanceEdit>>>(body: B) {
  return {
    instanceType: body.instance_type as B['instance_type'],
    tags: body.tags as B['tags'],
    bootSeconds: body.boot_seconds as B['boot_seconds'],
    stopSeconds: body.stop_seconds as B['stop_seconds'],
    scalingGroupId: body.scaling_group_id as B['scaling_group_id'],
    spot: body.spot as B['spot'],
    stopProtection: body.stop_protection as B['stop_protection'],
    instanceStoreRoot: body.instance_store_root as B['instance_store_root'],
    localSsd: body.local_ssd as B['local_ssd'],
  };
}

export const instanceRoutes = [list, create, get, edit, remove, ...inConsole];
