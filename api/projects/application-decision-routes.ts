import { approveApplication, decideInBulk, declineApplication, delegateApplication, revokeApplication, settleProjectsOf, type BulkOutcome } from '../../commands/projects/application-decisions.ts';
import type { ReviewDecision } from '../../commands/projects/application-approval.ts';
import { noteRefusal } from '../../commands/projects/note-no-room.ts';
import { getListedApplication, type ListedApplication } from '../../db/projects/application-list.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Application } from '../../domain/projects/application.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation, type Answer, type RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { ofApplication, reviewerOf, visibleApplication } from './application-access.ts';
import { applicationBody, approveInput, approveManyInput, decidedManyBody, declineInput, declineManyInput, delegateInput, revokeInput } from './application-schemas.ts';
import { applicationView, decidedManyView } from './application-views.ts';

const tags = ['projects'];
const params = z.strictObject({ id: idOf('application') });
const responses = { 200: applicationBody };

/** Runs a decision on an application that the caller may see, and answers with what it became. */
async function decided(
  context: RequestContext<typeof responses>,
  id: string,
  decide: (tx: Transaction, ref: { organizationId: string; id: string }, decision: ReviewDecision) => Promise<Application>,
): Promise<Answer<typeof responses>> {
  const { organizationId, at, actor: by } = context;
  const reviewer = await reviewerOf(context);
  await settleProjectsOf(context.deps.db, organizationId, [id], at);
  return await context.transact(async (tx) => {
    await visibleApplication(tx, organizationId, id, reviewer);
    await decide(tx, { organizationId, id }, { at, by, reviewer });
    const body = applicationView(await visibleApplication(tx, organizationId, id, reviewer), reviewer);
    return { status: 200, body, version: body.version };
  });
}

/** Writes on an application that its approval found no room, after all else of the approval was taken back. */
async function noteWhereNoRoom<T>({ deps, organizationId, at, actor: by }: Pick<RequestContext, 'deps' | 'organizationId' | 'at' | 'actor'>, id: string, approval: () => Promise<T>): Promise<T> {
  try {
    return await approval();
  } catch (error) {
    await inTransaction(deps.db, (tx) => noteRefusal(tx, { organizationId, id }, error, { at, by }));
    throw error;
  }
}

const revoke = defineOperation({
  method: 'post',
  path: '/v1/applications/{id}:revoke',
  id: 'revokeApplication',
  summary: 'Take back an application of your own, while nobody has decided',
  tags,
  access: ofApplication('member'),
  tokenScope: 'write',
  params,
  body: revokeInput,
  responses,
  handle: (context, { params: { id } }) => decided(context, id, revokeApplication),
});

const approve = defineOperation({
  method: 'post',
  path: '/v1/applications/{id}:approve',
  id: 'approveApplication',
  summary: 'Approve an application, and carry it out at once',
  description:
    'Limits, dates and quota are checked as they are now. Where nothing is free, the application stays under review, and `details.first_fit` and `first_fit_date` say from when it fits; its applicant is told by mail, and by `no_room`.',
  tags,
  access: ofApplication('manager'),
  tokenScope: 'write',
  params,
  body: approveInput,
  responses,
  handle: (context, { params: { id }, body }) =>
    noteWhereNoRoom(context, id, () => decided(context, id, (tx, ref, decision) => approveApplication(tx, ref, body.remark, decision))),
});

const decline = defineOperation({
  method: 'post',
  path: '/v1/applications/{id}:decline',
  id: 'declineApplication',
  summary: 'Decline an application, and say why',
  tags,
  access: ofApplication('manager'),
  tokenScope: 'write',
  params,
  body: declineInput,
  responses,
  handle: (context, { params: { id }, body }) => decided(context, id, (tx, ref, decision) => declineApplication(tx, ref, body.remark, decision)),
});

const delegate = defineOperation({
  method: 'post',
  path: '/v1/applications/{id}:delegate',
  id: 'delegateApplication',
  summary: 'Hand the review to a manager of the organization, who is mailed; others may still decide',
  tags,
  access: ofApplication('manager'),
  tokenScope: 'write',
  params,
  body: delegateInput,
  responses,
  handle: (context, { params: { id }, body }) => decided(context, id, (tx, ref, decision) => delegateApplication(tx, ref, body.user_id, decision)),
});

const manyResponses = { 200: decidedManyBody };

async function decidedMany(
  context: RequestContext<typeof manyResponses>,
  request: { ids: readonly string[]; verdict: 'approve' | 'decline'; remark: string },
): Promise<Answer<typeof manyResponses>> {
  const { organizationId, at, actor: by } = context;
  const reviewer = await reviewerOf(context);
  await settleProjectsOf(context.deps.db, organizationId, request.ids, at);
  return await context.transact(async (tx) => {
    const outcomes = await decideInBulk(tx, organizationId, request, { at, by, reviewer });
    return { status: 200, body: decidedManyView(outcomes, await listedOf(tx, organizationId, outcomes), reviewer) };
  });
}

async function listedOf(tx: Transaction, organizationId: string, outcomes: readonly BulkOutcome[]): Promise<Map<string, ListedApplication>> {
  const listed = new Map<string, ListedApplication>();
  for (const { id } of outcomes) {
    const one = await getListedApplication(tx, organizationId, id);
    if (one !== null) listed.set(id, one);
  }
  return listed;
}

const approveMany = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/applications:approve',
  id: 'approveApplications',
  summary: 'Approve many applications, each for itself, in the order given',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: approveManyInput,
  responses: manyResponses,
  handle: (context, { body }) => decidedMany(context, { ...body, verdict: 'approve' }),
});

const declineMany = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/applications:decline',
  id: 'declineApplications',
  summary: 'Decline many applications for one reason, each for itself',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: declineManyInput,
  responses: manyResponses,
  handle: (context, { body }) => decidedMany(context, { ...body, verdict: 'decline' }),
});

export const applicationDecisionRoutes = [revoke, approve, decline, delegate, approveMany, declineMany];
