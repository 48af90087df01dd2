import { isActiveManager } from '../../db/projects/application-people.ts';
import { getApplication, lockApplication, lockProjectsOf, overdueProjectsOf } from '../../db/projects/application-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { decline, delegate, requireReviewing, revoke, type Application } from '../../domain/projects/application.ts';
import { requireApplicant, requireDecider } from '../../domain/projects/application-rules.ts';
import { DomainError, invalidField, notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { lockCapacity } from '../quotas/port.ts';
import { advanceEntity, decide } from '../shared/entity-commands.ts';
import { approveLocked, type ReviewDecision } from './application-approval.ts';
import { applicationEntity } from './application-entity.ts';
import { noteRefusal } from './note-no-room.ts';
import { projectEntity } from './project-entity.ts';

/**
 * Lets what time has made due of the projects behind applications happen, each in a command of its own, before somebody
 * decides: an extension approved over an end that nobody has seen finds the project in its buffer, with its mails sent and
 * its bookings ended, and no command takes a project in and out of one.
 */
export async function settleProjectsOf(db: Database, organizationId: string, applicationIds: readonly string[], at: Instant): Promise<void> {
  for (const id of await overdueProjectsOf(db, organizationId, applicationIds, at)) {
    await inTransaction(db, (tx) => advanceEntity(tx, projectEntity, { organizationId, id }, at));
  }
}

/** The applicant takes an application back while nobody has decided: `applications.decided` afterwards. */
export async function revokeApplication(tx: Transaction, ref: EntityRef, decision: ReviewDecision): Promise<Application> {
  requireApplicant(await lockForDecision(tx, ref, decision), decision.reviewer);
  return await decide(tx, applicationEntity, ref, decision, (application, at) => revoke(application, decision.by, at));
}

/**
 * A manager of the organization approves: in one transaction, under the capacity's lock, limits, dates and
 * quota are checked as they are now, and what was asked for is carried out. Whatever refuses it leaves it under
 * review: `applications.decided`, `purposes.*`, `quotas.*` (with `details.first_fit` and `first_fit_date`), `projects.*`, among
 * them `projects.just-expired` where `settleProjectsOf` was not called before.
 */
export async function approveApplication(tx: Transaction, ref: EntityRef, remark: string, decision: ReviewDecision): Promise<Application> {
  requireDecider(decision.reviewer);
  const application = await lockForDecision(tx, ref, decision);
  requireReviewing(application);
  return await approveLocked(tx, application, remark, decision);
}

/** A manager of the organization declines, and says why. */
export async function declineApplication(tx: Transaction, ref: EntityRef, remark: string, decision: ReviewDecision): Promise<Application> {
  requireDecider(decision.reviewer);
  await lockForDecision(tx, ref, decision);
  return await decide(tx, applicationEntity, ref, decision, (application, at) => decline(application, { by: decision.by, as: decision.reviewer.as, remark }, at));
}

/** Hands a review to a manager of the organization, who is mailed. Others may still decide. */
export async function delegateApplication(tx: Transaction, ref: EntityRef, userId: string, decision: ReviewDecision): Promise<Application> {
  requireDecider(decision.reviewer);
  await lockForDecision(tx, ref, decision);
  if (!(await isActiveManager(tx, ref.organizationId, userId))) {
    throw invalidField('applications.delegate-is-no-manager', 'user_id', `${userId} is no manager of the organization; only they decide`);
  }
  return await decide(tx, applicationEntity, ref, decision, (application) => delegate(application, userId));
}

/** What became of one application of a bulk decision. */
export type BulkOutcome = { id: string; application: Application } | { id: string; error: DomainError };

/**
 * Decides on many, each for itself: what is refused stays as it was, and the others are decided. In the order given,
 * so of two that want the last GPU the first has it. Projects are locked in the order of their ids before. What found no
 * room has that written on it, and its applicant is told.
 */
export async function decideInBulk(
  tx: Transaction,
  organizationId: string,
  request: { ids: readonly string[]; verdict: 'approve' | 'decline'; remark: string },
  decision: ReviewDecision,
): Promise<BulkOutcome[]> {
  requireDecider(decision.reviewer);
  await lockCapacity(tx, organizationId);
  const ids = [...new Set(request.ids)];
  await lockProjectsOf(tx, organizationId, ids);
  const one = request.verdict === 'approve' ? approveApplication : declineApplication;
  const outcomes: BulkOutcome[] = [];
  for (const id of ids) {
    const outcome = await tx
      .transaction(async (savepoint) => ({ id, application: await one(savepoint, { organizationId, id }, request.remark, decision) }))
      .catch((error: unknown) => refusal(id, error));
    if ('error' in outcome) await noteRefusal(tx, { organizationId, id }, outcome.error, decision);
    outcomes.push(outcome);
  }
  return outcomes;
}

function refusal(id: string, error: unknown): BulkOutcome {
  if (error instanceof DomainError) return { id, error };
  throw error;
}

/** Locks capacity, project and application, in this order, and lets what is due happen first. */
async function lockForDecision(tx: Transaction, ref: EntityRef, { at, check }: ReviewDecision): Promise<Application> {
  await lockCapacity(tx, ref.organizationId);
  const locked = await lockApplication(tx, ref.organizationId, ref.id);
  if (locked === null) throw notFound('application', ref.id);
  check?.(locked.version);
  if (!locked.projectOver && (locked.nextDueAt === null || locked.nextDueAt > at)) return locked;
  await advanceEntity(tx, applicationEntity, ref, at);
  const application = await getApplication(tx, ref.organizationId, ref.id);
  if (application === null) throw notFound('application', ref.id);
  return application;
}
