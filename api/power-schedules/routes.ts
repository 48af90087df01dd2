import {
  activateSchedule,
  createSchedule,
  deactivateSchedule,
  deleteSchedule,
  editSchedule,
  runSchedule,
  type ChangedSchedule,
} from '../../commands/power-schedules/edit-schedule.ts';
import { getListedSchedule, listSchedules } from '../../db/power-schedules/schedule-list.ts';
import { lockSchedule, organizationOfSchedule } from '../../db/power-schedules/schedule-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { changedRule } from '../../domain/power-schedules/power-schedule.ts';
import { parseRule } from '../../domain/power-schedules/schedule-rule.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, positionAfter, readCursor, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { memberRoutes } from './member-routes.ts';
import { previewRoutes } from './preview-routes.ts';
import { simulateRoutes } from './simulate-routes.ts';
import { applyInput, changedScheduleBody, listQuery, scheduleBody, scheduleEdit, scheduleInput } from './schemas.ts';
import { changedView, scheduleView } from './views.ts';

const tags = ['power-schedules'];
const params = z.strictObject({ id: idOf('power-schedule') });

/** Access by role in the organization that owns the schedule. */
export function ofSchedule(role: 'member' | 'engineer' | 'manager') {
  return {
    kind: 'organization' as const,
    role,
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfSchedule(db, id),
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/power-schedules',
  id: 'listPowerSchedules',
  summary: 'Power schedules, with their instances, next fire and last run',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: listQuery,
  responses: { 200: pageOf(scheduleBody) },
  async handle({ deps, organizationId, at }, { query }) {
    const cursor = readCursor('listPowerSchedules', query, 2);
    const filter = { search: query.search, enabled: query.enabled, timeZone: query.time_zone, resourceId: query.resource_id };
    const page = { limit: query.page_size + 1, after: positionAfter(cursor), ...sortOf(query.sort) };
    const found = await listSchedules(deps.db, organizationId, filter, page);
    const view = { item: (row: (typeof found.rows)[number]) => scheduleView(row, at), positionOf: (row: (typeof found.rows)[number]) => row.position };
    return { status: 200, body: toPage('listPowerSchedules', query, found, view) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/power-schedules',
  id: 'createPowerSchedule',
  summary: 'Create a power schedule, with instances if you like',
  description: 'Each instance named is attached for itself; what became of it is in `items`. Nothing is started or stopped before the next trigger, unless `apply_now`.',
  tags,
  access: { kind: 'organization', role: 'engineer', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: scheduleInput,
  responses: { 201: changedScheduleBody },
  handle: (context, { body }) =>
    context.transact(async (tx) => {
      const { organizationId, at, actor: by } = context;
      const { name, description, tag_selector, enabled, resource_ids, apply_now, ...rule } = body;
      const wish = { organizationId, name, description, rule: parseRule(rule, at), tagSelector: tag_selector, enabled, resourceIds: resource_ids, applyNow: apply_now };
      const changed = await createSchedule(tx, wish, { at, by });
      return { status: 201, ...(await changedAnswer(tx, context, changed)), headers: { Location: `/v1/power-schedules/${changed.schedule.id}` } };
    }),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/power-schedules/{id}',
  id: 'getPowerSchedule',
  summary: 'A power schedule',
  tags,
  access: ofSchedule('member'),
  tokenScope: 'read',
  params,
  responses: { 200: scheduleBody },
  async handle({ deps, organizationId, at }, { params: { id } }) {
    const listed = await getListedSchedule(deps.db, organizationId, id);
    if (listed === null) throw notFound('power-schedule', id);
    return { status: 200, body: scheduleView(listed, at), version: listed.schedule.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/power-schedules/{id}',
  id: 'editPowerSchedule',
  summary: 'Change a power schedule; a new rule counts from now on',
  tags,
  access: ofSchedule('engineer'),
  tokenScope: 'write',
  params,
  body: scheduleEdit,
  responses: { 200: scheduleBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'power-schedule');
    const { name, description, tag_selector: tagSelector, ...changes } = body;
    const listed = await inTransaction(deps.db, async (tx) => {
      // Fields are put into the rule as it is now, also where the caller accepts any version.
      const known = await lockSchedule(tx, organizationId, id);
      if (known === null) throw notFound('power-schedule', id);
      check(known.version);
      const rule = changedRule(known.rule, changes, at);
      await editSchedule(tx, { organizationId, id }, { name, description, rule, tagSelector }, { at, by, check });
      return await getListedSchedule(tx, organizationId, id);
    });
    if (listed === null) throw notFound('power-schedule', id);
    return { status: 200, body: scheduleView(listed, at), version: listed.schedule.version };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/power-schedules/{id}',
  id: 'deletePowerSchedule',
  summary: 'Delete a power schedule at once; its instances stay as they are',
  tags,
  access: ofSchedule('engineer'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'power-schedule');
    await inTransaction(deps.db, (tx) => deleteSchedule(tx, { organizationId, id }, { at, by, check }));
    return { status: 204, body: null };
  },
});

type Verb = (tx: Transaction, ref: EntityRef, decision: { at: string; by: RequestContext['actor']; applyNow: boolean }) => Promise<Pick<ChangedSchedule, 'schedule' | 'runs'>>;

function verb(name: string, status: 200 | 202, summary: string, act: Verb, body: z.ZodType<{ apply_now: boolean }> | null) {
  return defineOperation({
    method: 'post',
    path: `/v1/power-schedules/{id}:${name}`,
    id: `${name}PowerSchedule`,
    summary,
    tags,
    access: ofSchedule('engineer'),
    tokenScope: 'write',
    params,
    body: body ?? z.strictObject({}).openapi('NoFields'),
    responses: { 200: changedScheduleBody, 202: changedScheduleBody },
    handle: (context, { params: { id }, body: given }) =>
      context.transact(async (tx) => {
        const { organizationId, at, actor: by } = context;
        const applyNow = 'apply_now' in given && given.apply_now;
        const changed = await act(tx, { organizationId, id }, { at, by, applyNow });
        return { status, ...(await changedAnswer(tx, context, { ...changed, items: [] })) };
      }),
  });
}

async function changedAnswer(tx: Transaction, { organizationId, at }: Pick<RequestContext, 'organizationId' | 'at'>, { schedule, items, runs }: ChangedSchedule) {
  const listed = await getListedSchedule(tx, organizationId, schedule.id);
  if (listed === null) throw notFound('power-schedule', schedule.id);
  return { body: changedView(listed, items, runs, at), version: schedule.version };
}

export const powerScheduleRoutes = [
  list,
  create,
  get,
  edit,
  remove,
  verb('activate', 200, 'Let it act, from its next trigger on or at once', activateSchedule, applyInput),
  verb('deactivate', 200, 'Let it act no more, at once; its instances stay attached', deactivateSchedule, null),
  verb('run', 202, 'Apply what it says at this moment to all its instances', runSchedule, null),
  ...memberRoutes,
  ...previewRoutes,
  ...simulateRoutes,
];
