import { lockProjectRow } from '../../db/projects/project-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { daysOf, firstWholeDate, nextPeriod } from '../../domain/projects/application-dates.ts';
import { raisedGpus, type Reviewer } from '../../domain/projects/application-rules.ts';
import { approve, type Application, type Granted } from '../../domain/projects/application.ts';
import type { Project } from '../../domain/projects/project.ts';
import type { PurposeRequest } from '../../domain/projects/purpose.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { applicationEntity } from './application-entity.ts';
import { approveProject, extendProject, raiseGpuQuota } from './decide-on-project.ts';
import { ASKS_NOTHING, requirePurposeAllows } from './purpose-limits.ts';

export interface ReviewDecision extends Decision {
  /** Who decides, with their role in this organization. */
  reviewer: Reviewer;
}

/**
 * Approves an application under review: what it asks for is checked as things are now and carried out, and the
 * application keeps what came of it. The caller holds the locks of capacity, project and application.
 */
export async function approveLocked(tx: Transaction, application: Application, remark: string, decision: ReviewDecision): Promise<Application> {
  const { organizationId, id, projectId, type } = application;
  const project = await lockProjectRow(tx, organizationId, projectId);
  if (project === null) throw notFound('project', projectId);
  await requirePurposeAllows(tx, project, type, requestOf(application, project));
  const granted = await carryOut(tx, application, project, decision).catch((error: unknown) => withLocalFirstFit(error, project));
  return await decide(tx, applicationEntity, { organizationId, id }, decision, (one, at) => approve(one, { by: decision.by, as: decision.reviewer.as, remark, granted }, at));
}

/** What the project would have in all. */
function requestOf({ type, extensionDays, additionalGpus }: Application, project: Project): PurposeRequest {
  switch (type) {
    case 'project':
      return { quota: project.quota, days: daysOf(project.startDate, project.endDate) };
    case 'period-extension':
      return { ...ASKS_NOTHING, days: daysOf(project.startDate, project.endDate) + (extensionDays ?? 0) };
    case 'gpu-quota':
      return { ...ASKS_NOTHING, quota: { ...ASKS_NOTHING.quota, gpu: raisedGpus(project.quota.gpu, additionalGpus ?? '0').newGpus } };
  }
}

async function carryOut(tx: Transaction, application: Application, project: Project, decision: Decision): Promise<Granted> {
  const { organizationId, id: applicationId, type, extensionDays, additionalGpus } = application;
  const ref = { organizationId, id: project.id };
  switch (type) {
    case 'project': {
      await approveProject(tx, ref, decision);
      return { startDate: project.startDate, endDate: project.endDate };
    }
    case 'period-extension': {
      const days = extensionDays ?? 0;
      const { previousEnd } = await extendProject(tx, ref, { days, applicationId }, decision);
      return { startDate: project.startDate, endDate: previousEnd, ...nextPeriod(previousEnd, days) };
    }
    case 'gpu-quota': {
      const { before, after } = await raiseGpuQuota(tx, ref, { additional: additionalGpus ?? '0', applicationId }, decision);
      return { startDate: project.startDate, endDate: project.endDate, oldGpus: before.gpu, newGpus: after.gpu };
    }
  }
}

/** Who is refused for want of room is told the first date that fits, as people plan with dates of the project's zone. */
function withLocalFirstFit(error: unknown, { timeZone }: Project): never {
  if (!(error instanceof DomainError) || error.code !== 'quotas.no-room') throw error;
  const { kind, code, message, fields, details } = error;
  const firstFit = details.first_fit;
  const firstFitDate = typeof firstFit === 'string' ? firstWholeDate(firstFit, timeZone) : null;
  throw new DomainError({
    kind,
    code,
    message: firstFitDate === null ? message : `${message} In ${timeZone} the first date is ${firstFitDate}.`,
    fields,
    details: { ...details, first_fit_date: firstFitDate, time_zone: timeZone },
    cause: error,
  });
}
