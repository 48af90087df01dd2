import { applyForExtension, applyForGpus, applyForProject, type ApplicationDecision } from '../../commands/projects/application-requests.ts';
import { listApplications, type ApplicationSort, type ListedApplication } from '../../db/projects/application-list.ts';
import { projectRole } from '../../db/projects/application-people.ts';
import { getProject, organizationOfProject } from '../../db/projects/project-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { minimumExtension, nextPeriod, requireUsableExtension } from '../../domain/projects/application-dates.ts';
import type { Application } from '../../domain/projects/application.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { ofApplication, reviewerOf, visibleApplication } from './application-access.ts';
import { applicationDecisionRoutes } from './application-decision-routes.ts';
import { applicationBody, applicationsQuery, applyInput, previewBody, previewQuery } from './application-schemas.ts';
import { applicationView } from './application-views.ts';
import { purposeRoutes } from './purpose-routes.ts';
import { reviewSettingsRoutes } from './review-settings-routes.ts';

const tags = ['projects'];

const apply = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/applications',
  id: 'apply',
  summary: 'Apply for a project, for more days of one, or for more GPUs',
  description: 'The organization’s managers are mailed, and decide. Members of the organization apply for projects; managers of a project for more days and GPUs.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  projectHeader: true,
  body: applyInput,
  responses: { 201: applicationBody },
  async handle(context, { body }) {
    const { organizationId, at, actor: by } = context;
    const applicant = await reviewerOf(context);
    return await context.transact(async (tx) => {
      const { id } = await applyFor(tx, organizationId, body, { at, by, applicant });
      const shown = applicationView(await visibleApplication(tx, organizationId, id, applicant), applicant);
      return { status: 201, body: shown, version: shown.version, headers: { Location: `/v1/applications/${id}` } };
    });
  },
});

function applyFor(tx: Transaction, organizationId: string, body: z.output<typeof applyInput>, decision: ApplicationDecision): Promise<Application> {
  switch (body.type) {
    case 'project': {
      const { name, description, managers, members, quota, reason } = body;
      const dates = { startDate: body.start_date, endDate: body.end_date, timeZone: body.time_zone };
      return applyForProject(tx, { organizationId, name, description, ...dates, managers, members, purposeId: body.purpose_id, quota, reason }, decision);
    }
    case 'period-extension':
      return applyForExtension(tx, { organizationId, projectId: body.project_id, days: body.days, reason: body.reason }, decision);
    case 'gpu-quota':
      return applyForGpus(tx, { organizationId, projectId: body.project_id, additionalGpus: body.additional_gpus, reason: body.reason }, decision);
  }
}

const SORT_VALUE: Record<ApplicationSort, (row: ListedApplication) => string> = {
  application_date: ({ application }) => application.createdAt,
  project_name: ({ projectName }) => projectName,
  applicant: ({ applicant }) => applicant.displayName,
  type: ({ application }) => application.type,
  status: ({ application }) => application.state,
};

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/applications',
  id: 'listApplications',
  summary: 'The review list',
  description: 'Managers of the organization see all applications, others their own and those of projects that they manage.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: applicationsQuery,
  responses: { 200: pageOf(applicationBody) },
  async handle(context, { query }) {
    const { deps, organizationId } = context;
    const reviewer = await reviewerOf(context);
    const cursor = readCursor('listApplications', query, 2);
    const filter = {
      visibleTo: reviewer.role === 'manager' ? undefined : reviewer.userId,
      projectId: query.project_id,
      applicantUserId: query.applicant_user_id,
      delegateUserId: query.delegate_user_id,
      types: query.type,
      states: query.status,
      search: query.search,
    };
    const sort = query.sort.replace('-', '') as ApplicationSort;
    const after: [string, string] | null = cursor === null ? null : [String(cursor[0]), String(cursor[1])];
    const found = await listApplications(deps.db, organizationId, filter, { limit: query.page_size + 1, sort, descending: query.sort.startsWith('-'), after });
    const view = { item: (row: ListedApplication) => applicationView(row, reviewer), positionOf: (row: ListedApplication) => [SORT_VALUE[sort](row), row.application.id] };
    return { status: 200, body: toPage('listApplications', query, found, view) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/applications/{id}',
  id: 'getApplication',
  summary: 'An application, and what you can do with it',
  tags,
  access: ofApplication('member'),
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('application') }),
  responses: { 200: applicationBody },
  async handle(context, { params: { id } }) {
    const reviewer = await reviewerOf(context);
    const body = applicationView(await visibleApplication(context.deps.db, context.organizationId, id, reviewer), reviewer);
    return { status: 200, body, version: body.version };
  },
});

const preview = defineOperation({
  method: 'get',
  path: '/v1/projects/{id}/extension-preview',
  id: 'previewExtension',
  summary: 'The dates that an extension would bring',
  description: 'Days count from the old end. Too few are refused, and `details.minimum_days` says how many would do.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: ({ db }: RequestContext['deps'], { id }) => organizationOfProject(db, id) },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('project') }),
  query: previewQuery,
  responses: { 200: previewBody },
  async handle(context, { params: { id }, query: { days } }) {
    const { deps, organizationId, at } = context;
    const reviewer = await reviewerOf(context);
    const project = await getProject(deps.db, organizationId, id);
    const role = await projectRole(deps.db, id, reviewer.userId);
    if (project === null || (role === null && reviewer.role !== 'manager')) throw notFound('project', id);
    const { timeZone, startDate, endDate } = project;
    requireUsableExtension(days, endDate, timeZone, at);
    const { nextStartDate, nextEndDate } = nextPeriod(endDate, days);
    const minimum = minimumExtension(endDate, timeZone, at);
    const dates = { start_date: startDate, end_date: endDate, next_start_date: nextStartDate, next_end_date: nextEndDate };
    return { status: 200, body: { project_id: id, time_zone: timeZone, days, minimum_days: minimum, ...dates } };
  },
});

/** Everything about applying: applications, their reviews, purposes and how long reviews wait. */
export const applicationRoutes = [apply, list, get, preview, ...applicationDecisionRoutes, ...purposeRoutes, ...reviewSettingsRoutes];
