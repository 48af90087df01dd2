import { attachInstances, detachInstances, type MembershipChange } from '../../commands/power-schedules/attach-instances.ts';
import { listMembers, MEMBER_SORTS } from '../../db/power-schedules/schedule-list.ts';
import { membershipsOf } from '../../db/power-schedules/member-store.ts';
import { organizationOfResource } from '../../db/resources/resource-store.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { INSTANCE_STATES } from '../../domain/resources/instance.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { organizationOfSchedule } from '../../db/power-schedules/schedule-store.ts';
import { idOf, searchText } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, positionAfter, readCursor, sortedBy, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { attachInput, detachInput, memberBody, membersBody } from './schemas.ts';
import { memberView, membersView } from './views.ts';

const tags = ['power-schedules'];
const params = z.strictObject({ id: idOf('power-schedule') });
const ofSchedule = (role: 'member' | 'engineer') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfSchedule(db, id),
});

const list = defineOperation({
  method: 'get',
  path: '/v1/power-schedules/{id}/instances',
  id: 'listPowerScheduleInstances',
  summary: 'Instances that belong to a power schedule',
  tags,
  access: ofSchedule('member'),
  tokenScope: 'read',
  params,
  query: z.strictObject({ ...pageFields, search: searchText.optional(), state: z.enum(INSTANCE_STATES).optional(), sort: sortedBy(MEMBER_SORTS).default('name') }),
  responses: { 200: pageOf(memberBody) },
  async handle({ deps, organizationId }, { params: { id }, query }) {
    const cursor = readCursor('listPowerScheduleInstances', query, 2);
    const page = { limit: query.page_size + 1, after: positionAfter(cursor), ...sortOf(query.sort) };
    const found = await listMembers(deps.db, organizationId, id, { search: query.search, state: query.state }, page);
    return { status: 200, body: toPage('listPowerScheduleInstances', query, found, { item: memberView, positionOf: (row) => row.position }) };
  },
});

const attach = defineOperation({
  method: 'post',
  path: '/v1/power-schedules/{id}:attach',
  id: 'attachInstances',
  summary: 'Attach instances, each for itself',
  description: 'An instance has one schedule. Refused ones say why, with the status that they alone would have been answered with.',
  tags,
  access: ofSchedule('engineer'),
  tokenScope: 'write',
  params,
  body: attachInput,
  responses: { 200: membersBody },
  handle: (context, { params: { id }, body }) =>
    context.transact(async (tx) => {
      const { organizationId, at, actor: by } = context;
      const changed = await attachInstances(tx, { organizationId, id }, body.resource_ids, { at, by, applyNow: body.apply_now });
      return { status: 200, body: membersView(changed.items, changed.runs) };
    }),
});

const detach = defineOperation({
  method: 'post',
  path: '/v1/power-schedules/{id}:detach',
  id: 'detachInstances',
  summary: 'Detach instances: what the schedule wanted of them ends at once',
  tags,
  access: ofSchedule('engineer'),
  tokenScope: 'write',
  params,
  body: detachInput,
  responses: { 200: membersBody },
  handle: (context, { params: { id }, body }) =>
    context.transact(async (tx) => {
      const { organizationId, at, actor: by } = context;
      const changed = await detachInstances(tx, { organizationId, id }, body.resource_ids, { at, by });
      return { status: 200, body: membersView(changed.items, changed.runs) };
    }),
});

const instanceParams = z.strictObject({ id: idOf('resource') });
const ofInstance = {
  kind: 'organization' as const,
  role: 'engineer' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfResource(db, id),
};

const put = defineOperation({
  method: 'put',
  path: '/v1/instances/{id}/power-schedule',
  id: 'setPowerScheduleOfInstance',
  summary: 'Attach one instance to a schedule; 409 when it has another',
  tags,
  access: ofInstance,
  tokenScope: 'write',
  params: instanceParams,
  body: z.strictObject({ power_schedule_id: idOf('power-schedule'), apply_now: z.boolean().default(false) }).openapi('AttachToPowerSchedule'),
  responses: { 200: membersBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const ref = { organizationId, id: body.power_schedule_id };
    const changed = await inTransaction(deps.db, async (tx) => throwRefused(await attachInstances(tx, ref, [id], { at, by, applyNow: body.apply_now })));
    return { status: 200, body: membersView(changed.items, changed.runs) };
  },
});

const clear = defineOperation({
  method: 'delete',
  path: '/v1/instances/{id}/power-schedule',
  id: 'clearPowerScheduleOfInstance',
  summary: 'Detach one instance from its schedule',
  tags,
  access: ofInstance,
  tokenScope: 'write',
  params: instanceParams,
  responses: { 200: membersBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const changed = await inTransaction(deps.db, async (tx) => {
      const membership = (await membershipsOf(tx, organizationId, [id])).get(id);
      if (membership === undefined) throw notFound('power-schedule-of-instance', id);
      return await detachInstances(tx, { organizationId, id: membership.scheduleId }, [id], { at, by });
    });
    return { status: 200, body: membersView(changed.items, changed.runs) };
  },
});

/** One instance alone: its refusal is the request's. */
function throwRefused(changed: MembershipChange): MembershipChange {
  for (const item of changed.items) if (item.outcome === 'refused') throw item.error;
  return changed;
}

export const memberRoutes = [list, attach, detach, put, clear];
