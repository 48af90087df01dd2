import { readChannelToken } from '../../commands/calendar/channel-token.ts';
import { lookAtCalendarNow } from '../../commands/calendar/edit-calendar.ts';
import { getCalendar } from '../../db/calendar/calendar-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { NOTIFICATIONS_PATH } from '../../domain/calendar/notifications.ts';
import { system } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { defineOperation } from '../shared/operation.ts';

/** The first message of a channel, which only says that it is open. */
const OPENED = 'sync';

/**
 * Google's notifications: headers alone, no body. They say that something changed, so a forged one, which the
 * token prevents, could do no more than have the calendar looked at.
 * https://developers.google.com/workspace/calendar/api/guides/push
 */
const notify = defineOperation({
  method: 'post',
  path: NOTIFICATIONS_PATH,
  id: 'notifyOfCalendarChange',
  summary: 'Where Google Calendar tells that something changed',
  description: 'Called by Google with the token it was given, in X-Goog-Channel-Token. Nothing but Google has use for it.',
  tags: ['calendar'],
  access: { kind: 'public' },
  tokenScope: 'write',
  idempotency: 'none',
  responses: { 204: null },
  async handle({ deps, header, at }) {
    const refs = deps.calendarChannelSecrets.map((secret) => readChannelToken(secret, header('x-goog-channel-token') ?? ''));
    const ref = refs.find((one) => one !== null);
    if (ref === undefined) {
      throw new DomainError({ kind: 'unauthenticated', code: 'calendar.unknown-channel', message: 'The channel token is none of ours.' });
    }
    if (header('x-goog-resource-state') === OPENED || (await getCalendar(deps.db, ref.organizationId, ref.id)) === null) return { status: 204, body: null };
    await inTransaction(deps.db, (tx) => lookAtCalendarNow(tx, ref, { at, by: system('google calendar') }));
    return { status: 204, body: null };
  },
});

export const notificationRoutes = [notify];
