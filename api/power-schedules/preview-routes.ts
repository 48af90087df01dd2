import { getSchedule, organizationOfSchedule } from '../../db/power-schedules/schedule-store.ts';
import { parseRule, type ScheduleRule } from '../../domain/power-schedules/schedule-rule.ts';
import { localDayAt } from '../../domain/power-schedules/zone-timeline.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { plusDays, type CalendarDate, type Instant } from '../../domain/shared/time.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { previewBody, previewInput, rulePreviewInput } from './schemas.ts';
import { previewView } from './views.ts';

const tags = ['power-schedules'];

const preview = defineOperation({
  method: 'post',
  path: '/v1/power-schedules/{id}:preview',
  id: 'previewPowerSchedule',
  summary: 'Its next fires, superseded ones too, and a local day as a timeline',
  tags,
  access: {
    kind: 'organization',
    role: 'member',
    scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfSchedule(db, id),
  },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('power-schedule') }),
  body: previewInput,
  responses: { 200: previewBody },
  idempotency: 'none',
  async handle({ deps, organizationId, at }, { params: { id }, body }) {
    const schedule = await getSchedule(deps.db, organizationId, id);
    if (schedule === null) throw notFound('power-schedule', id);
    return { status: 200, body: previewOf(schedule.rule, body, at) };
  },
});

const previewRule = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/power-schedules:preview',
  id: 'previewRule',
  summary: 'The same for a rule that is not saved',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  body: rulePreviewInput,
  responses: { 200: previewBody },
  idempotency: 'none',
  async handle({ at }, { body }) {
    const { after, count, date, ...rule } = body;
    return { status: 200, body: previewOf(parseRule(rule, at), { after, count, date }, at) };
  },
});

function previewOf(rule: ScheduleRule, wish: { after?: Instant | undefined; count: number; date?: string | undefined }, at: Instant) {
  return previewView(rule, { after: wish.after ?? at, count: wish.count, date: wish.date ?? dateOf(rule.timeZone, at) });
}

/** The zone's date at an instant. */
function dateOf(timeZone: string, at: Instant): CalendarDate {
  return plusDays('1970-01-01', localDayAt(timeZone, Date.parse(at)));
}

export const previewRoutes = [preview, previewRule];
