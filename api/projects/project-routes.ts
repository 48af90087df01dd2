import { compareDeletionCode, deleteProject, newDeletionCode, requestDeletion, restoreProject, tryDeletionCode } from '../../commands/projects/delete-project.ts';
import { editProject } from '../../commands/projects/edit-project.ts';
import { retryProjectRelease } from '../../commands/projects/record-release.ts';
import { getProjectCard, listProjectCards, sortValueOf, visibleNames, type ProjectSort, type Viewer } from '../../db/projects/project-cards.ts';
import { getProject } from '../../db/projects/project-store.ts';
import { projectsToRehearse } from '../../db/projects/rehearsal-source.ts';
import { getCapacity } from '../../db/quotas/capacity-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { CODE_TRIES } from '../../domain/projects/deletion-code.ts';
import { rehearse, type Rehearsed } from '../../domain/projects/rehearsal.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageOf, readCursor, toPage } from '../shared/page.ts';
import { managedProject, ofProject, projectParams as params, viewerOf, visibleProject } from './project-access.ts';
import { deletionInput, deletionRequestedBody, nothing, projectBody, projectCardBody, projectEdit, projectsQuery, rehearsalBody, rehearsalQuery, releasesBody } from './project-schemas.ts';
import { cardView, projectView, rehearsalView, releasesView } from './project-views.ts';

const tags = ['projects'];

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/projects',
  id: 'listProjects',
  summary: 'Projects as cards: people, quota, bookings, days left and what comes next',
  description: 'People see the projects they are in; managers of the organization see all.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: projectsQuery,
  responses: { 200: pageOf(projectCardBody) },
  async handle(context, { query }) {
    const { deps, organizationId, at } = context;
    const cursor = readCursor('listProjects', query, 2);
    const descending = query.sort.startsWith('-');
    const sort = query.sort.replace(/^-/, '') as ProjectSort;
    const after = cursor === null ? null : ([String(cursor[0]), String(cursor[1])] as const);
    const filter = { search: query.search, states: query.state, purposeId: query.purpose_id };
    const found = await listProjectCards(deps.db, organizationId, await viewerOf(context), filter, { limit: query.page_size + 1, sort, descending, after });
    return { status: 200, body: toPage('listProjects', query, found, { item: (card) => cardView(card, organizationId, at), positionOf: (card) => [sortValueOf(card, sort), card.id] }) };
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/projects/{id}',
  id: 'getProject',
  summary: 'A project',
  tags,
  access: ofProject,
  tokenScope: 'read',
  params,
  responses: { 200: projectBody },
  async handle(context, { params: { id } }) {
    const { viewer } = await visibleProject(context, id);
    const body = await shown(context.deps.db, context.organizationId, viewer, id, context.at);
    return { status: 200, body, version: body.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/projects/{id}',
  id: 'editProject',
  summary: 'Change a project’s name, description, people or days of warnings',
  description: 'Its managers may, and those of the organization. The last manager cannot leave. Dates change by applications alone.',
  tags,
  access: ofProject,
  tokenScope: 'write',
  params,
  body: projectEdit,
  responses: { 200: projectBody },
  async handle(context, { params: { id }, body: { warn_days: warnDays, ...rest } }) {
    const { deps, organizationId, at, actor: by } = context;
    const { viewer } = await managedProject(context, id);
    const check = requireIfMatch(context, 'project');
    await inTransaction(deps.db, (tx) => editProject(tx, { organizationId, id }, { ...rest, warnDays }, { at, by, check }));
    const body = await shown(deps.db, organizationId, viewer, id, at);
    return { status: 200, body, version: body.version };
  },
});

const askForDeletion = defineOperation({
  method: 'post',
  path: '/v1/projects/{id}:request-deletion',
  id: 'requestProjectDeletion',
  summary: 'Mail the caller the code that confirms a deletion',
  description: 'The code is valid for ten minutes and five tries. Asking again, after a minute, makes the older one invalid.',
  tags,
  access: ofProject,
  tokenScope: 'write',
  params,
  body: nothing,
  responses: { 202: deletionRequestedBody },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const { viewer } = await managedProject(context, id);
    const made = await newDeletionCode();
    return await context.transact(async (tx) => {
      const { expiresAt } = await requestDeletion(tx, deps.vault, { organizationId, id }, { userId: viewer.userId, ...made }, { at, by });
      return { status: 202, body: { expires_at: expiresAt, tries: CODE_TRIES } };
    });
  },
});

const remove = defineOperation({
  method: 'post',
  path: '/v1/projects/{id}:delete',
  id: 'deleteProject',
  summary: 'Delete a project, with the mailed code',
  description: 'It enters its buffer: nothing of it can be used, and until the buffer ends the deletion can be taken back. Then all its resources are released.',
  tags,
  access: ofProject,
  tokenScope: 'write',
  params,
  body: deletionInput,
  responses: { 200: projectBody },
  async handle(context, { params: { id }, body: { code } }) {
    const { deps, organizationId, at, actor: by } = context;
    const { viewer } = await managedProject(context, id);
    const ref = { organizationId, id };
    // Its own transaction: a wrong code is counted though the request fails.
    const tried = await compareDeletionCode(deps.db, ref, { userId: viewer.userId, code }, at);
    const answer = await inTransaction(deps.db, (tx) => tryDeletionCode(tx, ref, { userId: viewer.userId, tried }, { at, by }));
    if ('refusal' in answer) throw answer.refusal;
    return await context.transact(async (tx) => {
      await deleteProject(tx, ref, { userId: viewer.userId, right: answer.right }, { at, by });
      const body = await shown(tx, organizationId, viewer, id, at);
      return { status: 200, body, version: body.version };
    });
  },
});

const restore = defineOperation({
  method: 'post',
  path: '/v1/projects/{id}:restore',
  id: 'restoreProject',
  summary: 'Take a deletion back',
  description: 'Possible until the buffer ends. The state is then what the dates give; past the end, a full buffer.',
  tags,
  access: ofProject,
  tokenScope: 'write',
  params,
  body: nothing,
  responses: { 200: projectBody },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    const { viewer } = await managedProject(context, id);
    return await context.transact(async (tx) => {
      await restoreProject(tx, { organizationId, id }, { at, by });
      const body = await shown(tx, organizationId, viewer, id, at);
      return { status: 200, body, version: body.version };
    });
  },
});

const releases = defineOperation({
  method: 'get',
  path: '/v1/projects/{id}/releases',
  id: 'getProjectReleases',
  summary: 'What each owner of a project’s resources has let go of',
  tags,
  access: ofProject,
  tokenScope: 'read',
  params,
  responses: { 200: releasesBody },
  async handle(context, { params: { id } }) {
    const { project } = await visibleProject(context, id);
    return { status: 200, body: releasesView(project), version: project.version };
  },
});

const retry = defineOperation({
  method: 'post',
  path: '/v1/projects/{id}:retry-release',
  id: 'retryProjectRelease',
  summary: 'Try the parts of a release at once that wait for their next attempt',
  tags,
  access: ofProject,
  tokenScope: 'write',
  params,
  body: nothing,
  responses: { 200: releasesBody },
  async handle(context, { params: { id } }) {
    const { organizationId, at, actor: by } = context;
    await managedProject(context, id);
    return await context.transact(async (tx) => {
      const project = await retryProjectRelease(tx, { organizationId, id }, { at, by });
      return { status: 200, body: releasesView(project), version: project.version };
    });
  },
});

const rehearsal = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/projects/rehearsal',
  id: 'rehearseProjects',
  summary: 'Everything of projects that will be warned of, expire or be released in the next days',
  description: 'Computed by the rules that act: unless somebody decides otherwise meanwhile, the ledger will say the same. People see the projects they are in; managers of the organization see all.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: rehearsalQuery,
  responses: { 200: rehearsalBody },
  async handle(context, { query: { days } }) {
    const { deps, organizationId, at } = context;
    const { userId, seesAll } = await viewerOf(context);
    const to = plusMilliseconds(at, days * 86_400_000);
    const items: Rehearsed[] = [];
    for await (const project of projectsToRehearse(deps.db, organizationId, to)) {
      if (seesAll || [...project.managers, ...project.members].includes(userId)) items.push(...rehearse(project, at, to));
    }
    const inOrder = items.toSorted((a, b) => (a.at === b.at ? (a.project.id < b.project.id ? -1 : 1) : a.at < b.at ? -1 : 1));
    return { status: 200, body: rehearsalView(inOrder, at, to) };
  },
});

async function shown(db: Database, organizationId: string, viewer: Viewer, id: string, at: Instant) {
  const project = await getProject(db, organizationId, id);
  const card = await getProjectCard(db, organizationId, viewer, id);
  const capacity = await getCapacity(db, organizationId);
  if (project === null || card === null) throw notFound('project', id);
  const waitingFor = await visibleNames(db, organizationId, viewer, project.waitingFor);
  return projectView(project, card, { prices: capacity?.prices ?? null, waitingFor }, at);
}

export const projectRoutes = [list, get, edit, askForDeletion, remove, restore, releases, retry, rehearsal];
