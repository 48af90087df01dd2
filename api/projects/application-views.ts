import type { BulkOutcome } from '../../commands/projects/application-decisions.ts';
import type { ListedApplication } from '../../db/projects/application-list.ts';
import { actionsOf, type Reviewer } from '../../domain/projects/application-rules.ts';
import { httpStatusOf } from '../../domain/shared/error-kinds.ts';
import { toErrorRecord } from '../../domain/shared/errors.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { APPLICATION } from '../../workflows/projects/application-messages.ts';
import type { z } from '../shared/zod.ts';
import type { applicationBody, decidedManyBody } from './application-schemas.ts';

type View<T extends z.ZodType> = z.input<T>;

/** An application as this person sees it, with what they can do. */
export function applicationView(listed: ListedApplication, by: Reviewer): View<typeof applicationBody> {
  const { application, projectCode, projectName, timeZone, purpose, applicant, delegate } = listed;
  return {
    id: application.id,
    organization_id: application.organizationId,
    type: application.type,
    status: application.state,
    project: { id: application.projectId, code: projectCode, name: projectName, time_zone: timeZone },
    purpose,
    applicant: { id: applicant.id, display_name: applicant.displayName, email: applicant.email },
    application_date: application.createdAt,
    start_date: application.startDate,
    end_date: application.endDate,
    next_start_date: application.nextStartDate,
    next_end_date: application.nextEndDate,
    extension_days: application.extensionDays,
    quota: application.quota,
    additional_gpus: application.additionalGpus,
    old_gpus: application.oldGpus,
    new_gpus: application.newGpus,
    reason: application.reason,
    remark: application.remark,
    no_room: application.noRoom === null ? null : { at: application.noRoom.at, first_fit_date: application.noRoom.firstFitDate },
    delegate: delegate === null ? null : { id: delegate.id, display_name: delegate.displayName },
    escalates_at: application.escalatesAt,
    escalated_at: application.escalatedAt,
    expires_at: application.expiresAt,
    decided_at: application.decidedAt,
    decided_by: application.decidedBy?.name ?? null,
    decided_as: application.decidedAs,
    allowed_actions: actionsOf(application, by),
    workflow_id: entityWorkflowId(APPLICATION, application.id),
    version: application.version,
  };
}

/** What became of each application of a bulk decision; `shown` has those that were decided. */
export function decidedManyView(outcomes: readonly BulkOutcome[], shown: ReadonlyMap<string, ListedApplication>, by: Reviewer): View<typeof decidedManyBody> {
  const items = outcomes.map((one): View<typeof decidedManyBody>['items'][number] => {
    const listed = shown.get(one.id);
    if ('error' in one) return { id: one.id, outcome: 'refused', status: httpStatusOf(one.error), application: null, error: toErrorRecord(one.error) };
    const outcome = one.application.state === 'approved' ? 'approved' : 'declined';
    return { id: one.id, outcome, status: 200, application: listed === undefined ? null : applicationView(listed, by), error: null };
  });
  const counts: Record<string, number> = {};
  for (const { outcome } of items) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { items, counts };
}
