import { clearSandboxCalls, editSandboxAccount } from '../../commands/sandbox/edit-account.ts';
import { sandboxOf } from '../../commands/sandbox/shared.ts';
import { getSandboxAccount } from '../../db/sandbox/account-store.ts';
import { listCalls } from '../../db/sandbox/call-log.ts';
import { countSandboxInstances } from '../../db/sandbox/instance-store.ts';
import { ofDataSource } from '../data-sources/routes.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { callBody, callsQuery, sandboxBody, sandboxEdit } from './schemas.ts';
import { callView, sandboxView } from './views.ts';

const tags = ['sandbox'];
const params = z.strictObject({ id: idOf('data-source') });

const get = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}/sandbox',
  id: 'getSandbox',
  summary: 'A sandbox: how it behaves, its prices, its regions, how many instances it has',
  tags,
  access: ofDataSource('member'),
  tokenScope: 'read',
  params,
  responses: { 200: sandboxBody },
  async handle({ deps, organizationId, at }, { params: { id } }) {
    const key = await sandboxOf(deps.db, organizationId, id);
    const account = await getSandboxAccount(deps.db, key);
    const instances = await countSandboxInstances(deps.db, key, at);
    return { status: 200, body: sandboxView(key, account, instances), version: account.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/data-sources/{id}/sandbox',
  id: 'editSandbox',
  summary: 'Change how a sandbox answers, or its prices',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params,
  body: sandboxEdit,
  responses: { 200: sandboxBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'sandbox');
    const key = await sandboxOf(deps.db, organizationId, id);
    return await context.transact(async (tx) => {
      const prices = Object.fromEntries((body.prices ?? []).map((one) => [one.instance_type, one.hourly_price]));
      const changes = { operations: body.operations, refusesWholeBatches: body.refuses_whole_batches, prices };
      const account = await editSandboxAccount(tx, { key, changes }, { at, by, check });
      const instances = await countSandboxInstances(tx, key, at);
      return { status: 200, body: sandboxView(key, account, instances), version: account.version };
    });
  },
});

const calls = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}/sandbox-calls',
  id: 'listSandboxCalls',
  summary: 'What a sandbox was asked, newest first, and what came of it',
  tags,
  access: ofDataSource('member'),
  tokenScope: 'read',
  params,
  query: callsQuery,
  responses: { 200: pageOf(callBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const key = await sandboxOf(deps.db, organizationId, id);
    const bound = { ...query, data_source: id };
    const cursor = readCursor('listSandboxCalls', bound, 1);
    const found = await listCalls(deps.db, key, query, { limit: query.page_size + 1, before: cursor === null ? null : Number(cursor[0]) });
    return { status: 200, body: toPage('listSandboxCalls', bound, found, { item: callView, positionOf: (row) => [row.number] }) };
  },
});

const clear = defineOperation({
  method: 'delete',
  path: '/v1/data-sources/{id}/sandbox-calls',
  id: 'clearSandboxCalls',
  summary: 'Empty a sandbox’s log of calls',
  tags,
  access: ofDataSource('engineer'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const key = await sandboxOf(deps.db, organizationId, id);
    return await context.transact(async (tx) => {
      await clearSandboxCalls(tx, key, { at, by });
      return { status: 204, body: null };
    });
  },
});

export const accountRoutes = [get, edit, calls, clear];
