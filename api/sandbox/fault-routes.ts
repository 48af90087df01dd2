import { addSandboxFault, clearSandboxFaults, removeSandboxFault } from '../../commands/sandbox/faults.ts';
import { sandboxOf } from '../../commands/sandbox/shared.ts';
import { listFaults, organizationOfFault } from '../../db/sandbox/fault-store.ts';
import { ofDataSource } from '../data-sources/routes.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { faultBody, faultInput } from './schemas.ts';
import { faultView } from './views.ts';

const tags = ['sandbox'];
const ofSource = z.strictObject({ id: idOf('data-source') });

const list = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}/sandbox-faults',
  id: 'listSandboxFaults',
  summary: 'What goes wrong in a sandbox, used up faults too',
  tags,
  access: ofDataSource('member'),
  tokenScope: 'read',
  params: ofSource,
  query: z.strictObject(pageFields),
  responses: { 200: pageOf(faultBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const key = await sandboxOf(deps.db, organizationId, id);
    const bound = { ...query, data_source: id };
    const cursor = readCursor('listSandboxFaults', bound, 1);
    const found = await listFaults(deps.db, key, { limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) });
    return { status: 200, body: toPage('listSandboxFaults', bound, found, { item: faultView, positionOf: (row) => [row.id] }) };
  },
});

const add = defineOperation({
  method: 'post',
  path: '/v1/data-sources/{id}/sandbox-faults',
  id: 'addSandboxFault',
  summary: 'Let something go wrong: for some calls, so many times, or for a share of them',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params: ofSource,
  body: faultInput,
  responses: { 201: faultBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const key = await sandboxOf(deps.db, organizationId, id);
    const wish = {
      kind: body.kind,
      action: body.action,
      regionId: body.region_id,
      instanceType: body.instance_type,
      instanceId: body.instance_id,
      remaining: body.count,
      percent: body.percent,
      seed: body.seed,
      retryAfterSeconds: body.retry_after_seconds,
      message: body.message,
    };
    return await context.transact(async (tx) => ({ status: 201, body: faultView(await addSandboxFault(tx, { key, wish }, { at, by })) }));
  },
});

const clear = defineOperation({
  method: 'delete',
  path: '/v1/data-sources/{id}/sandbox-faults',
  id: 'clearSandboxFaults',
  summary: 'End every fault of a sandbox; what they did stays',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params: ofSource,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const key = await sandboxOf(deps.db, organizationId, id);
    return await context.transact(async (tx) => {
      await clearSandboxFaults(tx, key, { at, by });
      return { status: 204, body: null };
    });
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/sandbox-faults/{id}',
  id: 'removeSandboxFault',
  summary: 'End one fault',
  tags,
  access: {
    kind: 'organization',
    role: 'engineer',
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfFault(db, id),
  },
  tokenScope: 'write',
  params: z.strictObject({ id: idOf('sandbox-fault') }),
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      await removeSandboxFault(tx, { organizationId, id }, { at, by });
      return { status: 204, body: null };
    });
  },
});

export const faultRoutes = [list, add, clear, remove];
