import { projectRole } from '../../db/projects/application-people.ts';
import { openApplicationsOf, overdueApplicationsOf } from '../../db/projects/application-store.ts';
import { lockProjectRow } from '../../db/projects/project-store.ts';
import { getReviewSettings } from '../../db/projects/review-settings-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { daysOf, nextPeriod, requireUsableExtension, requireUsablePeriod } from '../../domain/projects/application-dates.ts';
import { raisedGpus, requireProjectManager, requireWithinCapacity, type Reviewer } from '../../domain/projects/application-rules.ts';
import { newApplication, type Application, type ApplicationType, type NewApplication } from '../../domain/projects/application.ts';
import { withMoreGpu } from '../../domain/projects/project-decisions.ts';
import type { Project } from '../../domain/projects/project.ts';
import { reviewDeadlines } from '../../domain/projects/review-settings.ts';
import { readSomething } from '../../domain/quotas/amounts.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { lockCapacity } from '../quotas/port.ts';
import { advanceEntity, createEntity, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { applicationEntity } from './application-entity.ts';
import { insertReviewingProject, noteExtensionPending, type ReviewingProject } from './decide-on-project.ts';
import { ASKS_NOTHING, requirePurposeAllows, requirePurposeNamed } from './purpose-limits.ts';

export interface ApplicationDecision extends Decision {
  /** Who applies, with their role in this organization. */
  applicant: Reviewer;
}

/** What a project is applied for with. */
export type ProjectRequest = Omit<ReviewingProject, 'id' | 'applicationId'> & { reason: string };

/**
 * Applies for a project: it is there at once, in review, and goes the way of its application. Refused is what could
 * never be: `applications.*` and `projects.*` for dates and people, `purposes.*`, `quotas.above-capacity`.
 */
export async function applyForProject(tx: Transaction, request: ProjectRequest, decision: ApplicationDecision): Promise<Application> {
  const { reason, ...fields } = request;
  const { organizationId, purposeId, startDate, endDate } = fields;
  requireUsablePeriod(fields, decision.at);
  const quota = readSomething(fields.quota, 'quota');
  const capacity = await lockCapacity(tx, organizationId);
  requireWithinCapacity(quota, capacity.amounts, 'project');
  await requirePurposeNamed(tx, organizationId, purposeId);
  await requirePurposeAllows(tx, fields, 'project', { quota, days: daysOf(startDate, endDate) });
  const id = newId('application');
  const project = await insertReviewingProject(tx, { ...fields, quota, applicationId: id }, decision);
  return await write(tx, { id, type: 'project', project, reason, quota }, decision);
}

/**
 * Applies for more days, counted from the old end. While it waits it holds the release of the project back for a while.
 * Refuses `projects.extension-too-short` with `details.minimum_days`, what cannot be extended, and a second open one.
 */
export async function applyForExtension(
  tx: Transaction,
  request: { organizationId: string; projectId: string; days: number; reason: string },
  decision: ApplicationDecision,
): Promise<Application> {
  const { organizationId, projectId, days, reason } = request;
  const project = await lockForApplication(tx, organizationId, projectId, 'period-extension', decision);
  requireUsableExtension(days, project.endDate, project.timeZone, decision.at);
  await requirePurposeAllows(tx, project, 'period-extension', { ...ASKS_NOTHING, days: daysOf(project.startDate, project.endDate) + days });
  const id = newId('application');
  const application = await write(tx, { id, type: 'period-extension', project, reason, extensionDays: days, ...nextPeriod(project.endDate, days) }, decision);
  await noteExtensionPending(tx, { organizationId, id: projectId }, { applicationId: id, expiresAt: application.expiresAt }, decision);
  return application;
}

/** Applies for more GPUs, an exact amount. Refuses what the project's state, purpose or capacity would never allow, and a second open one. */
export async function applyForGpus(
  tx: Transaction,
  request: { organizationId: string; projectId: string; additionalGpus: string; reason: string },
  decision: ApplicationDecision,
): Promise<Application> {
  const { organizationId, projectId, additionalGpus, reason } = request;
  const project = await lockForApplication(tx, organizationId, projectId, 'gpu-quota', decision);
  const totals = raisedGpus(project.quota.gpu, additionalGpus);
  withMoreGpu(project, totals.additionalGpus);
  const quota = { ...ASKS_NOTHING.quota, gpu: totals.newGpus };
  const { amounts } = await lockCapacity(tx, organizationId);
  requireWithinCapacity(quota, amounts, 'gpu-quota');
  await requirePurposeAllows(tx, project, 'gpu-quota', { ...ASKS_NOTHING, quota });
  return await write(tx, { id: newId('application'), type: 'gpu-quota', project, reason, ...totals }, decision);
}

/** Locks capacity and project, and refuses who may not apply and what is applied for already. */
async function lockForApplication(tx: Transaction, organizationId: string, projectId: string, type: ApplicationType, { at, applicant }: ApplicationDecision): Promise<Project> {
  await lockCapacity(tx, organizationId);
  const project = await lockProjectRow(tx, organizationId, projectId);
  if (project === null) throw notFound('project', projectId);
  requireProjectManager(projectId, type, await projectRole(tx, projectId, applicant.userId), applicant);
  // One that nobody decided on in time is over, whether or not its workflow has seen it.
  for (const id of await overdueApplicationsOf(tx, organizationId, projectId, at)) await advanceEntity(tx, applicationEntity, { organizationId, id }, at);
  const open = (await openApplicationsOf(tx, organizationId, projectId)).find((one) => one.type === type);
  if (open !== undefined) throw alreadyOpen(type, open.id);
  return project;
}

type Written = Pick<NewApplication, 'id' | 'type' | 'reason' | 'extensionDays' | 'nextStartDate' | 'nextEndDate' | 'additionalGpus' | 'oldGpus' | 'newGpus' | 'quota'>;

async function write(tx: Transaction, { project, ...asked }: Written & { project: Project }, decision: ApplicationDecision): Promise<Application> {
  const { organizationId, id: projectId, startDate, endDate } = project;
  const { at, applicant } = decision;
  const deadlines = reviewDeadlines(await getReviewSettings(tx, organizationId), at);
  const application = newApplication({ ...asked, ...deadlines, organizationId, projectId, startDate, endDate, applicantUserId: applicant.userId }, at);
  return await createEntity(tx, applicationEntity, application, 'applications.apply', decision).catch((error: unknown) => {
    // The backstop spoke: the code above has a hole.
    throw violatedConstraint(error) === 'applications_one_open' ? alreadyOpen(asked.type, null) : error;
  });
}

function alreadyOpen(type: ApplicationType, id: string | null): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'applications.already-open',
    message: `An application of this type (${type}) for the project is under review${id === null ? '' : `: ${id}`}. Wait for its decision, or let its applicant revoke it.`,
    details: { application_id: id, type },
  });
}
