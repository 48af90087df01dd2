import { DomainError } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';

/** How long an organization lets a review wait. Days of 24 hours, counted from the application. */
export interface ReviewSettings {
  organizationId: string;
  /** After this long every manager is told again. */
  escalateAfterDays: number;
  /** After this long nobody will have decided: the application ends. */
  expireAfterDays: number;
  version: number;
  lastAt: Instant | null;
}

export const MOST_REVIEW_DAYS = 365;
const DAY_MS = 86_400_000;

/** What holds until a manager states otherwise. */
export function defaultReviewSettings(organizationId: string): ReviewSettings {
  return { organizationId, escalateAfterDays: 3, expireAfterDays: 30, version: 1, lastAt: null };
}

/** Changes settings. An escalation that would come with the end or after it is refused: nobody could act on it. */
export function editReviewSettings(
  settings: ReviewSettings,
  changes: { escalateAfterDays?: number | undefined; expireAfterDays?: number | undefined },
): ReviewSettings {
  const after = {
    ...settings,
    escalateAfterDays: changes.escalateAfterDays ?? settings.escalateAfterDays,
    expireAfterDays: changes.expireAfterDays ?? settings.expireAfterDays,
  };
  if (after.escalateAfterDays >= after.expireAfterDays) {
    const problem = `is ${after.escalateAfterDays}, and applications end after ${after.expireAfterDays} days; escalate earlier than that`;
    throw new DomainError({
      kind: 'invalid-input',
      code: 'review-settings.escalates-too-late',
      message: `escalate_after_days: ${problem}`,
      fields: [{ field: 'escalate_after_days', problem }],
    });
  }
  return after;
}

/** When a review that begins at `at` is escalated, and when it ends undecided. Later changes of the settings leave it as it is. */
export function reviewDeadlines(settings: Pick<ReviewSettings, 'escalateAfterDays' | 'expireAfterDays'>, at: Instant): { escalatesAt: Instant; expiresAt: Instant } {
  return {
    escalatesAt: plusMilliseconds(at, settings.escalateAfterDays * DAY_MS),
    expiresAt: plusMilliseconds(at, settings.expireAfterDays * DAY_MS),
  };
}
