import { hourlyCosts } from '../../db/billing/hourly-costs.ts';
import { offTimeOf } from '../../db/power/off-time.ts';
import { membersOf } from '../../db/power-schedules/member-store.ts';
import { getSchedule, organizationOfSchedule } from '../../db/power-schedules/schedule-store.ts';
import { listPrices } from '../../db/resources/list-prices.ts';
import { resourcesAmong } from '../../db/resources/resource-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { changedRule } from '../../domain/power-schedules/power-schedule.ts';
import { ratesOf, savedBy, type InstanceRate } from '../../domain/power-schedules/rates.ts';
import { parseRule } from '../../domain/power-schedules/schedule-rule.ts';
import { invalidField, notFound } from '../../domain/shared/errors.ts';
import { plusDays, plusMilliseconds, type CalendarDate, type Instant } from '../../domain/shared/time.ts';
import { idOf, inOrganization, instantInput } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { changesInput, ruleSimulationInput, savingsBody, simulationBody, simulationInput } from './simulation-schemas.ts';
import { savingsView, simulationView, type SimulationWish } from './simulation-views.ts';

const tags = ['power-schedules'];
const params = z.strictObject({ id: idOf('power-schedule') });
const ofSchedule = {
  kind: 'organization' as const,
  role: 'member' as const,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfSchedule(db, id),
};

/** How many days of bills before now tell what an hour costs. */
const RATE_DAYS = 60;

const simulate = defineOperation({
  method: 'post',
  path: '/v1/power-schedules/{id}:simulate',
  id: 'simulatePowerSchedule',
  summary: 'What the schedule, or a change to it, comes to over a past or future period',
  description:
    'Beside the schedule as it is when `changes` are given, else beside machines that are always on. Rates come from what bills charge by the hour, else from the cloud’s list price, else from the organization’s instance prices; what has none is counted.',
  tags,
  access: ofSchedule,
  tokenScope: 'read',
  params,
  body: simulationInput.extend({ changes: changesInput.optional() }).openapi('SimulatePowerSchedule'),
  responses: { 200: simulationBody },
  idempotency: 'none',
  async handle({ deps, organizationId, at }, { params: { id }, body }) {
    const schedule = await getSchedule(deps.db, organizationId, id);
    if (schedule === null) throw notFound('power-schedule', id);
    const { changes, ...wish } = body;
    const changed = changes === undefined ? undefined : changedRule(schedule.rule, changes, at);
    const resourceIds =
      wish.resource_ids === undefined
        ? (await membersOf(deps.db, organizationId, [id])).map((member) => member.resourceId)
        : await named(deps.db, organizationId, wish.resource_ids);
    const rules = { proposed: changed ?? schedule.rule, today: changed === undefined ? null : schedule.rule };
    return { status: 200, body: await simulated(deps.db, organizationId, { ...rules, ...wish, resourceIds }, at) };
  },
});

const simulateRule = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/power-schedules:simulate',
  id: 'simulateRule',
  summary: 'The same for a rule that is not saved, beside machines that are always on',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  body: ruleSimulationInput,
  responses: { 200: simulationBody },
  idempotency: 'none',
  async handle({ deps, organizationId, at }, { body }) {
    const { from, until, initial_state, metric, resource_ids, ...rule } = body;
    const proposed = parseRule(rule, at);
    const wish = { from, until, initial_state, metric, proposed, today: null, resourceIds: await named(deps.db, organizationId, resource_ids ?? []) };
    return { status: 200, body: await simulated(deps.db, organizationId, wish, at) };
  },
});

/** Each once. Refuses the first that is no resource of the organization: its hours would be counted for nothing. */
async function named(db: Database, organizationId: string, resourceIds: readonly string[]): Promise<string[]> {
  const known = await resourcesAmong(db, organizationId, resourceIds);
  const unknown = resourceIds.findIndex((id) => !known.has(id));
  if (unknown >= 0) {
    throw invalidField('power-schedules.unknown-resource', `resource_ids.${unknown}`, `${resourceIds[unknown]} is no resource of the organization; leave it out`);
  }
  return [...new Set(resourceIds)];
}

async function simulated(db: Database, organizationId: string, wish: Omit<SimulationWish, 'rates' | 'actual'>, at: Instant) {
  const rates = await ratesNow(db, organizationId, wish.resourceIds, wish.metric, at);
  const period = { start: nearestDay(wish.from), end: nearestDay(wish.until), metric: wish.metric };
  const actual = wish.from < at ? await hourlyCosts(db, organizationId, wish.resourceIds, period) : [];
  return simulationView({ ...wish, rates, actual });
}

/** Bills are kept by UTC days: the one that begins nearest to this instant, so that a month of any zone is that month. */
function nearestDay(at: Instant): CalendarDate {
  return plusMilliseconds(at, 12 * 3_600_000).slice(0, 10);
}

async function ratesNow(db: Database, organizationId: string, resourceIds: readonly string[], metric: SimulationWish['metric'], at: Instant): Promise<InstanceRate[]> {
  const today = at.slice(0, 10);
  const billed = await hourlyCosts(db, organizationId, resourceIds, { start: plusDays(today, -RATE_DAYS), end: plusDays(today, 1), metric });
  return ratesOf(resourceIds, billed, await listPrices(db, organizationId, resourceIds));
}

const savings = defineOperation({
  method: 'get',
  path: '/v1/power-schedules/{id}/savings',
  id: 'getPowerScheduleSavings',
  summary: 'How long its instances were off because of it, and what that saved so far',
  tags,
  access: ofSchedule,
  tokenScope: 'read',
  params,
  query: z.strictObject({
    since: instantInput.optional().openapi({ description: 'From when; the schedule’s creation when left out.' }),
    until: instantInput.optional(),
    metric: simulationInput.shape.metric,
  }),
  responses: { 200: savingsBody },
  async handle({ deps, organizationId, at }, { params: { id }, query }) {
    const schedule = await getSchedule(deps.db, organizationId, id);
    if (schedule === null) throw notFound('power-schedule', id);
    const period = { since: query.since ?? schedule.createdAt, until: query.until === undefined || query.until > at ? at : query.until };
    if (query.since !== undefined && query.until !== undefined && query.until <= query.since) {
      throw invalidField('power-schedules.empty-period', 'until', `${query.until} is not after since, ${query.since}; give a later end`);
    }
    const offTimes = await offTimeOf(deps.db, organizationId, id, period);
    const rates = await ratesNow(deps.db, organizationId, offTimes.map((one) => one.resourceId), query.metric, at);
    return { status: 200, body: savingsView(period, offTimes, rates, savedBy(offTimes, rates)) };
  },
});

export const simulateRoutes = [simulate, simulateRule, savings];
