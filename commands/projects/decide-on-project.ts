import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertProject, lockProjectRow } from '../../db/projects/project-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { daysOf, firstWholeDate } from '../../domain/projects/application-dates.ts';
import { addDays, spanOf, startOfDayAfter } from '../../domain/projects/local-days.ts';
import { approve, decline, extend, notePending, raiseQuota, refuseUnextendable, withMoreGpu, type PendingExtension } from '../../domain/projects/project-decisions.ts';
import { BUFFER_DAYS, plannedUntil } from '../../domain/projects/project-time.ts';
import { newProject, type DeclineReason, type NewProject, type Project } from '../../domain/projects/project.ts';
import type { QuotaAmounts } from '../../domain/quotas/amounts.ts';
import type { NextPeriod } from '../../domain/quotas/plan.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { grantQuota, lockCapacity } from '../quotas/port.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { requireKnownPeople } from './project-people.ts';
import { projectEntity, withRoom } from './project-entity.ts';
import { newProjectCode } from './project-code.ts';

/** What a project is applied for with; its id and code are made here. */
export type ReviewingProject = Omit<NewProject, 'id' | 'code' | 'createdBy' | 'applicationId'> & {
  /** Made beforehand where the application must name it; by default it is made here. */
  id?: string | undefined;
  applicationId?: string | null | undefined;
};

/**
 * Writes a project that is applied for: state reviewing, no workflow, no quota. Throws `projects.end-before-start`,
 * `projects.too-long`, `projects.no-manager`, `projects.unknown-people`, `projects.bad-warn-days`.
 */
export async function insertReviewingProject(tx: Transaction, fields: ReviewingProject, { at, by }: Decision): Promise<Project> {
  const { id = newId('project'), applicationId = null, ...rest } = fields;
  const project = newProject({ ...rest, id, applicationId, code: newProjectCode(), createdBy: by }, at);
  await requireKnownPeople(tx, project);
  await insertProject(tx, project);
  const after = projectEntity.forLedger(project);
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId: project.organizationId, at, subject: project.id, action: 'projects.apply', by, before: null, after });
  return project;
}

/**
 * Approves a project under review: it has its quota from now on, and starts on its date or, where that has come and
 * capacity is free, at once. Locks capacity, then project. Throws `projects.not-reviewing`, `projects.ended-before-approval`,
 * and what `grantQuota` throws: `quotas.above-capacity`, `quotas.no-room` with `details.first_fit`. Then nothing is written.
 */
export async function approveProject(tx: Transaction, ref: EntityRef, decision: Decision): Promise<Project> {
  await lockCapacity(tx, ref.organizationId);
  const project = await known(tx, ref);
  // What cannot be approved is refused before its quota is asked for.
  approve(project, { fits: true, heldBy: [] }, decision.at);
  const wish = { organizationId: ref.organizationId, projectId: ref.id, amounts: project.quota, from: project.startsAt, until: plannedUntil(project) };
  await grantQuota(tx, { ...wish, nextPeriod: nextPeriodOf(project) }, decision);
  const { room } = await withRoom(tx, { ...project, state: 'scheduled' });
  if (room === null) throw new Error(`${ref.id} was granted its quota, and nobody said whether it is free`);
  return await decide(tx, projectEntity, ref, decision, (one, at) => approve(one, room, at));
}

/** Ends a project under review that is not to be: declined by a manager, revoked by the applicant, or never decided on. */
export async function declineProject(tx: Transaction, ref: EntityRef, reason: DeclineReason, decision: Decision): Promise<Project> {
  return await decide(tx, projectEntity, ref, decision, (project) => decline(project, reason));
}

/**
 * Moves a project's end by `days` calendar days, counted from the old end, and its quota with it; from a buffer after
 * an expiry it goes on at once. Locks capacity, then project. Throws `projects.extension-too-short` with
 * `details.minimum_days`, `projects.deleted`, `projects.not-extendable`, `projects.just-expired` where this command is the first
 * to see its end (callers let what is due happen in a command of its own before), and what `grantQuota` throws.
 */
export async function extendProject(
  tx: Transaction,
  ref: EntityRef,
  request: { days: number; applicationId: string | null },
  decision: Decision,
): Promise<{ previousEnd: string; newEnd: string; project: Project }> {
  await lockCapacity(tx, ref.organizationId);
  const before = await known(tx, ref);
  const project = await decide(tx, projectEntity, ref, decision, (one, at) => extend(one, request, at));
  const { quota: amounts, startsAt: from } = project;
  await grantQuota(tx, { organizationId: ref.organizationId, projectId: ref.id, amounts, from, until: plannedUntil(project) }, decision);
  return { previousEnd: before.endDate, newEnd: project.endDate, project };
}

/** Refuses an application for an extension of what cannot be extended: `projects.deleted`, `projects.not-extendable`. */
export async function refuseExtension(tx: Transaction, ref: EntityRef): Promise<void> {
  refuseUnextendable(await known(tx, ref));
}

/**
 * Notes that an application for an extension waits for its decision, which holds the release back as long as it is reviewed,
 * and for at most seven local days after the buffer's end; with null, that it does not any more. Locks the project.
 */
export async function noteExtensionPending(tx: Transaction, ref: EntityRef, pending: PendingExtension | null, decision: Decision): Promise<Project> {
  return await decide(tx, projectEntity, ref, decision, (project, at) => notePending(project, pending, at));
}

/**
 * Raises a project's GPUs by an exact amount. Locks capacity, then project. Throws `projects.no-more-quota` where it is
 * neither scheduled nor active, and what `grantQuota` throws.
 */
export async function raiseGpuQuota(
  tx: Transaction,
  ref: EntityRef,
  { additional }: { additional: string; applicationId: string | null },
  decision: Decision,
): Promise<{ before: QuotaAmounts; after: QuotaAmounts; project: Project }> {
  await lockCapacity(tx, ref.organizationId);
  const { quota: before } = await known(tx, ref);
  const project = await decide(tx, projectEntity, ref, decision, (one) => raiseQuota(one, withMoreGpu(one, additional)));
  const { quota: after, startsAt: from } = project;
  await grantQuota(tx, { organizationId: ref.organizationId, projectId: ref.id, amounts: after, from, until: plannedUntil(project) }, decision);
  return { before, after, project };
}

async function known(tx: Transaction, ref: EntityRef): Promise<Project> {
  const project = await lockProjectRow(tx, ref.organizationId, ref.id);
  if (project === null) throw notFound('project', ref.id);
  return project;
}

/** The period that a project of the same length would have if it began on the first whole local day from an instant on. */
function nextPeriodOf({ startDate, endDate, timeZone }: Project): NextPeriod {
  return (earliest: Instant) => {
    const first = firstWholeDate(earliest, timeZone);
    const span = spanOf({ startDate: first, endDate: addDays(first, daysOf(startDate, endDate) - 1) }, timeZone);
    return { from: span.startsAt, to: startOfDayAfter(span.endsAt, BUFFER_DAYS, timeZone) };
  };
}
