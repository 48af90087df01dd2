import type { Instant } from '../shared/time.ts';

/** A secret link to the calendar of an organization's environments. It shows what its person may see, as long as they may. */
export interface CalendarFeed {
  id: string;
  organizationId: string;
  userId: string;
  createdAt: Instant;
  revokedAt: Instant | null;
}

/** How far a feed reaches back and ahead, in days. */
export const FEED_DAYS = { back: 30, ahead: 365 } as const;
/** Links one person may have in one organization at a time. */
export const MOST_FEEDS = 20;
