import type { NoticeKind } from '../notifications/mail.ts';
import type { WebhookEventType } from '../webhooks/webhook-event.ts';
import type { Booking } from './booking.ts';

/**
 * The events that a step of a booking is to webhooks, in their order; none for an offer, which is between the waitlist
 * and one person. A step may be several: one that is booked now has begun, and one whose beginning and end nobody saw has both.
 */
export function eventsOf(before: Booking | null, after: Booking): WebhookEventType[] {
  if (after.state === 'offered' || after.state === 'expired') return [];
  const held = before !== null && before.state !== 'offered' ? before.state : null;
  const events: WebhookEventType[] = held === null ? ['booking.created'] : [];
  if (held !== 'active' && hasBegun(after)) events.push('booking.started');
  if (after.state === 'released') events.push('booking.released');
  if (after.state === 'cancelled') events.push('booking.cancelled');
  return events.length === 0 ? ['booking.changed'] : events;
}

/** Only what has begun is released; what has not is cancelled. */
function hasBegun({ state }: Booking): boolean {
  return state === 'active' || state === 'released';
}

/** A mail about a booking's step. */
export interface BookingLetter {
  kind: NoticeKind;
  subject: string;
  text: string;
  /** Managers of the organization get it too. */
  managers: boolean;
}

/** What the holder is told of a step; null when it is no news to them. */
export function letterOf(before: Booking | null, after: Booking, environmentName: string): BookingLetter | null {
  const period = `from ${inWords(after.since)} ${after.until === null ? 'until you release it' : `to ${inWords(after.until)}`}`;
  if (after.state === 'offered') {
    return letter('waitlist-offer', `${environmentName} is free for you`, `You wait for ${environmentName}. It is held for you ${period}, until ${inWords(after.offerExpiresAt ?? after.since)}. Accept the offer, or the next in line gets it.`, false);
  }
  if (before === null || before.state === 'offered') {
    if (after.state === 'expired') return after.endReason === 'environment-gone' ? waitedInVain(environmentName) : null;
    return letter('booking', `${environmentName} is booked`, `${environmentName} is booked for you ${period}.`, true);
  }
  if (after.state === 'released' || after.state === 'cancelled') {
    return letter('booking-release', `${environmentName} is free again`, `${after.endReason === 'holder-left' ? 'A' : 'Your'} booking of ${environmentName} ${ENDINGS[after.endReason ?? 'ended']} at ${inWords(after.endedAt ?? after.lastAt)}.`, true);
  }
  if (before.since === after.since && before.until === after.until) return null;
  return letter('booking', `Your booking of ${environmentName} has changed`, `${environmentName} is now booked for you ${period}.`, true);
}

/** What somebody is told who waited for an environment, or was just offered it, when it leaves the organization. */
export function waitedInVain(environmentName: string): BookingLetter {
  return letter('waitlist-offer', `${environmentName} is no longer shared`, `You waited for ${environmentName}. It is no longer shared, so nobody can book it and your waiting has ended.`, false);
}

const ENDINGS: Record<NonNullable<Booking['endReason']>, string> = {
  ended: 'ended',
  released: 'was released',
  cancelled: 'was cancelled',
  'environment-gone': 'was ended, because the environment is no longer shared,',
  'holder-left': 'was ended, because whoever held it has left the organization,',
  'environment-inactive': 'was ended, because the environment is out of service,',
  'project-ended': 'was ended, because its project may not be used any more,',
  declined: 'was declined',
  expired: 'expired',
};

function letter(kind: NoticeKind, subject: string, text: string, managers: boolean): BookingLetter {
  return { kind, subject, text, managers };
}

/** An instant as people read it, in UTC: mails go to people in many zones. */
function inWords(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
