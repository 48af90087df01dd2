import { editCapacity } from '../../commands/quotas/edit-capacity.ts';
import { visibleNames } from '../../db/projects/project-cards.ts';
import { getCapacity } from '../../db/quotas/capacity-store.ts';
import { grantsWithin, quotaOfProjects, type QuotaView } from '../../db/quotas/quota-list.ts';
import { leftOf } from '../../domain/quotas/amounts.ts';
import type { Capacity } from '../../domain/quotas/capacity.ts';
import { endOf, overran, stepsOf, type PlannedGrant } from '../../domain/quotas/plan.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import { ofProject, projectParams, viewerOf, visibleProject } from '../projects/project-access.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { inOrganization, instantInput } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { capacityBody, capacityInput, planBody, projectQuotaBody } from './schemas.ts';

const tags = ['quotas'];
const LONGEST_DAYS = 3_660;
const MOST_GRANTS = 20_000;
const DAY_MS = 86_400_000;

function capacityView({ amounts, prices }: Capacity): z.input<typeof capacityBody> {
  return { ...amounts, prices };
}

const getOrganizationCapacity = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/quota-capacity',
  id: 'getQuotaCapacity',
  summary: 'What an organization has to share out among its projects',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  responses: { 200: capacityBody },
  async handle({ deps, organizationId }) {
    const capacity = await getCapacity(deps.db, organizationId);
    if (capacity === null) throw notFound('organization', organizationId);
    return { status: 200, body: capacityView(capacity), version: capacity.version };
  },
});

const putOrganizationCapacity = defineOperation({
  method: 'put',
  path: '/v1/organizations/{organization_id}/quota-capacity',
  id: 'editQuotaCapacity',
  summary: 'State what an organization has to share out among its projects',
  description: 'Less than what is granted at any instant from now on is refused: quotas.capacity-below-granted names the projects and when.',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: capacityInput,
  responses: { 200: capacityBody },
  async handle(context, { body: { prices, ...amounts } }) {
    const check = requireIfMatch(context, 'quota-capacity');
    const { organizationId, at, actor: by } = context;
    return await context.transact(async (tx) => {
      const capacity = await editCapacity(tx, { organizationId, amounts, prices }, { at, by, check });
      return { status: 200, body: capacityView(capacity), version: capacity.version };
    });
  },
});

function quotaView({ projectId, quota, used, held, free, since, until, releasedAt, allocations }: QuotaView): z.input<typeof projectQuotaBody> {
  return {
    project_id: projectId,
    quota,
    used,
    held,
    free,
    since,
    until,
    released_at: releasedAt,
    allocations: allocations.map(({ id, owner, user, state, amounts, expiresAt, createdAt }) => ({
      id,
      owner,
      user: { id: user.id, display_name: user.displayName },
      state,
      ...amounts,
      expires_at: expiresAt,
      created_at: createdAt,
    })),
  };
}

const getProjectQuota = defineOperation({
  method: 'get',
  path: '/v1/projects/{id}/quota',
  id: 'getProjectQuota',
  summary: 'What a project was granted; what of it is used, held and free, and who has it',
  tags,
  access: ofProject,
  tokenScope: 'read',
  params: projectParams,
  responses: { 200: projectQuotaBody },
  async handle(context, { params: { id } }) {
    await visibleProject(context, id);
    const { deps, organizationId } = context;
    const quota = (await quotaOfProjects(deps.db, organizationId, [id])).get(id);
    if (quota === undefined) throw noQuota(id);
    return { status: 200, body: quotaView(quota), version: quota.version };
  },
});

const plan = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/quota-plan',
  id: 'getQuotaPlan',
  summary: 'Which project has how much when, and what is free over time',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({ from: instantInput, to: instantInput.openapi({ description: `Not included; at most ${LONGEST_DAYS} days after from.` }) }),
  responses: { 200: planBody },
  async handle(context, { query: { from, to } }) {
    const { deps, organizationId, at } = context;
    if (to <= from) throw invalidField('quotas.empty-window', 'to', 'must be later than from');
    if (Date.parse(to) - Date.parse(from) > LONGEST_DAYS * DAY_MS) {
      throw invalidField('quotas.window-too-long', 'to', `must be at most ${LONGEST_DAYS} days after from; ask for less at a time`);
    }
    const [capacity, found] = await Promise.all([getCapacity(deps.db, organizationId), grantsWithin(deps.db, organizationId, { from, to }, MOST_GRANTS + 1)]);
    if (capacity === null) throw notFound('organization', organizationId);
    if (found.length > MOST_GRANTS) throw tooLarge();
    const grants = found.filter((grant) => endOf(grant, at) > from);
    const names = await visibleNames(deps.db, organizationId, await viewerOf(context), grants.map(({ projectId }) => projectId));
    const projects = new Map(names.map((project) => [project.id, project]));
    const grantView = (grant: PlannedGrant) => ({
      project: projects.get(grant.projectId) ?? null,
      quota: grant.amounts,
      since: grant.since,
      until: endOf(grant, at),
      overran: overran(grant, at),
      released: grant.releasedAt !== null,
    });
    const steps = stepsOf(grants, { from, to }, at).map((step) => ({ ...step, free: leftOf(capacity.amounts, step.granted) }));
    return { status: 200, body: { from, to, capacity: capacity.amounts, grants: grants.map(grantView), steps } };
  },
});

function noQuota(projectId: string): DomainError {
  return new DomainError({ kind: 'not-found', code: 'quota.not-found', message: `Project ${projectId} was granted no quota: its application has not been approved.`, details: { id: projectId } });
}

function tooLarge(): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'quotas.plan-too-large',
    message: `This window holds more than ${MOST_GRANTS} grants. Ask for a shorter one.`,
    details: { most: MOST_GRANTS },
  });
}

export const quotaRoutes = [getOrganizationCapacity, putOrganizationCapacity, getProjectQuota, plan];
