import type { RunItemRow } from '../../db/power/run-list.ts';
import type { PowerClaim } from '../../domain/power/claims.ts';
import type { PowerRun } from '../../domain/power/power-run.ts';
import type { PowerState } from '../../domain/power/power-state.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { POWER_RUN } from '../../workflows/power/messages.ts';
import type { z } from '../shared/zod.ts';
import type { claimBody, powerBody, runBody, runItemBody } from './schemas.ts';

export function runView(run: PowerRun): z.input<typeof runBody> {
  return {
    id: run.id,
    organization_id: run.organizationId,
    cause: run.cause,
    requested_by: run.requestedBy.name,
    operation_id: run.operationId,
    workflow_id: entityWorkflowId(POWER_RUN, run.id),
    state: run.state,
    counts: run.counts,
    due_at: run.dueAt,
    created_at: run.createdAt,
    finished_at: run.finishedAt,
  };
}

export function runItemView({ runId, name, item }: RunItemRow): z.input<typeof runItemBody> {
  return {
    power_run_id: runId,
    resource_id: item.resourceId,
    name,
    data_source_id: item.dataSourceId,
    power_schedule_id: item.scheduleId,
    due_at: item.dueAt,
    local_time: item.localTime,
    moved: item.moved,
    superseded: item.superseded.map(({ localTime, wanted }) => ({ local_time: localTime, wanted })),
    wanted: item.action,
    state: item.state,
    observed: item.observed,
    observed_at: item.observedAt,
    attempts: item.attempts,
    called_at: item.calledAt,
    last_error: item.lastError,
    detail: item.detail,
    next_attempt_at: item.nextAttemptAt,
    finished_at: item.finishedAt,
  };
}

function claimView(claim: PowerClaim): z.input<typeof claimBody> {
  const { id, source, wanted, from, until, reason, origin } = claim;
  return { id, resource_id: claim.resourceId, source, source_id: claim.sourceId, wanted, from, until, until_next_trigger: claim.untilNextTrigger, reason, origin };
}

export function powerView(
  resourceId: string,
  { state, claims, scheduleId }: { state: PowerState | null; claims: PowerClaim[]; scheduleId: string | null },
): z.input<typeof powerBody> {
  return {
    resource_id: resourceId,
    wanted: state?.wanted ?? null,
    decided_by: state?.decidedBy ?? null,
    wanted_since: state === null || state.generation === 0 ? null : state.wantedSince,
    is_settled: state === null || state.wanted === null || state.settledGeneration === state.generation,
    next_due_at: state?.nextDueAt ?? null,
    claims: claims.map(claimView),
    power_schedule_id: scheduleId,
  };
}
