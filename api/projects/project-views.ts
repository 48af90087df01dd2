import type { ProjectCard } from '../../db/projects/project-cards.ts';
import { localDateOf } from '../../domain/projects/local-days.ts';
import { daysLeftOf, nextEventOf, nextPeriodOf } from '../../domain/projects/project-dates.ts';
import { HOLDING_STATES, type Project, type ProjectPeriod } from '../../domain/projects/project.ts';
import type { Rehearsed } from '../../domain/projects/rehearsal.ts';
import { costOfKeeping, type QuotaPrices } from '../../domain/quotas/prices.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { PROJECT } from '../../workflows/projects/messages.ts';
import type { z } from '../shared/zod.ts';
import type { projectBody, projectCardBody, rehearsalBody, releasesBody } from './project-schemas.ts';

type CardView = z.input<typeof projectCardBody>;

/** A card at an instant: days are counted in the project's zone. */
export function cardView(card: ProjectCard, organizationId: string, at: Instant): CardView {
  const period = nextPeriodOf(card, at);
  return {
    id: card.id,
    organization_id: organizationId,
    code: card.code,
    name: card.name,
    description: card.description,
    purpose_id: card.purposeId,
    state: card.state,
    state_reason: card.stateReason ?? card.bufferReason,
    time_zone: card.timeZone,
    start_date: card.startDate,
    end_date: card.endDate,
    days_left: daysLeftOf(card, at),
    next: nextEventOf(card),
    next_period: period === null ? null : periodView(period),
    pending_extension_id: card.pendingExtensionId,
    waiting_since: card.waitingSince,
    managers: card.managers.map(personView),
    members: card.members.map(personView),
    people_count: card.managers.length + card.members.length,
    counts: card.counts,
    quota: card.quota === null ? null : { quota: card.quota.quota, used: card.quota.used, held: card.quota.held, free: card.quota.free },
    role: card.role,
    version: card.version,
    created_at: card.createdAt,
  };
}

/** What stands beside the card on a project's own page. */
export interface ProjectSurroundings {
  prices: QuotaPrices | null;
  /** Of the projects it waits for, those the caller may see. */
  waitingFor: { id: string; name: string }[];
}

export function projectView(project: Project, card: ProjectCard, { prices, waitingFor }: ProjectSurroundings, at: Instant): z.input<typeof projectBody> {
  return {
    ...cardView(card, project.organizationId, at),
    starts_at: project.startsAt,
    ends_at: project.endsAt,
    periods: project.periods.map(periodView),
    requested_quota: project.quota,
    warn_days: [...project.warnDays],
    approved_at: project.approvedAt,
    started_at: project.startedAt,
    waiting_for: project.waitingSince === null ? null : { projects: waitingFor, others: project.waitingFor.length - waitingFor.length },
    buffer: bufferView(project),
    keeping: keepingView(project, prices, at),
    released_at: project.releasedAt,
    created_by: project.createdBy.name,
    workflow_id: entityWorkflowId(PROJECT, project.id),
  };
}

function bufferView({ bufferNumber, bufferReason, bufferEnteredAt, bufferEndsAt, releaseHeldUntil, timeZone }: Project) {
  if (bufferReason === null || bufferEnteredAt === null || bufferEndsAt === null) return null;
  return { number: bufferNumber, reason: bufferReason, entered_at: bufferEnteredAt, ends_at: bufferEndsAt, ends_on: localDateOf(bufferEndsAt, timeZone), held_until: releaseHeldUntil };
}

/** What its quota costs for 24 hours, and in a buffer until the release. */
function keepingView(project: Project, prices: QuotaPrices | null, at: Instant) {
  if (!HOLDING_STATES.includes(project.state)) return null;
  const DAY_MS = 86_400_000;
  const aDay = costOfKeeping(project.quota, DAY_MS, prices);
  if (aDay === null) return null;
  const release = project.state === 'buffer' ? (project.releaseHeldUntil ?? project.bufferEndsAt) : null;
  const rest = release === null || release <= at ? null : costOfKeeping(project.quota, Date.parse(release) - Date.parse(at), prices);
  return { a_day: aDay, until_release: rest };
}

export function releasesView({ state, releaseSteps }: Project): z.input<typeof releasesBody> {
  return {
    state,
    parts: releaseSteps.map((step) => ({
      owner: step.owner,
      state: step.state,
      attempts: step.attempts,
      next_attempt_at: step.nextAttemptAt,
      last_error: step.lastError,
      released: step.released,
      ended_at: step.endedAt,
    })),
  };
}

export function rehearsalView(items: readonly Rehearsed[], from: Instant, to: Instant): z.input<typeof rehearsalBody> {
  return {
    from,
    to,
    items: items.map(({ project, action, at }) => ({
      project_id: project.id,
      code: project.code,
      name: project.name,
      action,
      at,
      on: localDateOf(at, project.timeZone),
      time_zone: project.timeZone,
    })),
  };
}

function periodView({ startDate, endDate, applicationId }: ProjectPeriod) {
  return { start_date: startDate, end_date: endDate, application_id: applicationId };
}

function personView({ id, displayName }: { id: string; displayName: string }) {
  return { id, display_name: displayName };
}
