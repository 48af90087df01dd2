import { listRunItems, listRunItemsOf, listRuns } from '../../db/power/run-list.ts';
import { getRun, organizationOfRun } from '../../db/power/run-store.ts';
import { organizationOfResource } from '../../db/resources/resource-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { itemsQuery, runBody, runItemBody, runsQuery } from './schemas.ts';
import { runItemView, runView } from './views.ts';

const tags = ['power'];
const params = z.strictObject({ id: idOf('power-run') });
const ofRun = {
  kind: 'organization' as const,
  role: 'member' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfRun(db, id),
};

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/power-runs',
  id: 'listPowerRuns',
  summary: 'Power runs',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: runsQuery,
  responses: { 200: pageOf(runBody) },
  async handle({ deps, organizationId }, { query }) {
    const { search, state, cause, power_schedule_id: scheduleId, resource_id: resourceId, since, until } = query;
    const cursor = readCursor('listPowerRuns', query, 1);
    const page = { limit: query.page_size + 1, descending: sortOf(query.sort).descending, after: cursor === null ? null : String(cursor[0]) };
    const found = await listRuns(deps.db, organizationId, { search, state, cause, scheduleId, resourceId, since, until }, page);
    return { status: 200, body: toPage('listPowerRuns', query, found, { item: runView, positionOf: (run) => [run.id] }) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/power-runs/{id}',
  id: 'getPowerRun',
  summary: 'A power run',
  tags,
  access: ofRun,
  tokenScope: 'read',
  params,
  responses: { 200: runBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const run = await getRun(deps.db, organizationId, id);
    if (run === null) throw notFound('power-run', id);
    return { status: 200, body: runView(run) };
  },
});

const items = defineOperation({
  method: 'get',
  path: '/v1/power-runs/{id}/items',
  id: 'listPowerRunItems',
  summary: 'What became of each instance of a run',
  tags,
  access: ofRun,
  tokenScope: 'read',
  params,
  query: itemsQuery,
  responses: { 200: pageOf(runItemBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const cursor = readCursor('listPowerRunItems', query, 1);
    const page = { limit: query.page_size + 1, after: cursor === null ? null : Number(cursor[0]) };
    const found = await listRunItems(deps.db, organizationId, id, { state: query.state, search: query.search }, page);
    return { status: 200, body: toPage('listPowerRunItems', query, found, { item: runItemView, positionOf: (row) => [row.item.position] }) };
  },
});

const ofInstance = defineOperation({
  method: 'get',
  path: '/v1/instances/{id}/power-runs',
  id: 'listPowerRunItemsOfInstance',
  summary: 'What became of an instance in all runs, newest first',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: ({ db }, { id }) => organizationOfResource(db, id) },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('resource') }),
  query: z.strictObject(pageFields),
  responses: { 200: pageOf(runItemBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const cursor = readCursor('listPowerRunItemsOfInstance', query, 2);
    const page = { limit: query.page_size + 1, before: cursor === null ? null : { dueAt: String(cursor[0]), runId: String(cursor[1]) } };
    const found = await listRunItemsOf(deps.db, organizationId, id, page);
    return { status: 200, body: toPage('listPowerRunItemsOfInstance', query, found, { item: runItemView, positionOf: (row) => [row.item.dueAt, row.runId] }) };
  },
});

export const powerRunRoutes = [list, get, items, ofInstance];
