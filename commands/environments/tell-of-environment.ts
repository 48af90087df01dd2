import { openBookingsOf } from '../../db/bookings/booking-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Environment } from '../../domain/environments/environment.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { notify } from '../notifications/port.ts';
import { publishEvent } from '../webhooks/port.ts';

/** What others are told of an environment. Who holds it now follows from its bookings, which tell of themselves. */
export type EnvironmentNews = 'deactivated' | 'reactivated' | 'deleted';

/** Of a deletion holders are told by the end of their bookings; a mail for each of a thousand environments would help nobody. */
const WORDS: Record<EnvironmentNews, { subject: string; text: string } | null> = {
  deactivated: { subject: 'is out of service', text: 'Nobody can book it until it is put back into service. Bookings that were made stay; whoever was offered it waits on, and is asked again then.' },
  reactivated: { subject: 'is in service again', text: 'It can be booked again.' },
  deleted: null,
};

/** Tells webhooks, and of its service by mail its owner, managers and whoever has it booked, in the caller's transaction. */
export async function tellOfEnvironment(tx: Transaction, environment: Environment, news: EnvironmentNews, by: Actor): Promise<void> {
  const { id, organizationId, name, resourceType, ownerUserId, lastAt: at, version } = environment;
  const data = { environment: { id, name, resource_type: resourceType }, state: news, active: environment.isActive && environment.deletedAt === null };
  await publishEvent(tx, { organizationId, environmentId: id, type: 'environment.state_changed', data, at });
  const words = WORDS[news];
  if (words === null) return;
  const holders = (await openBookingsOf(tx, organizationId, id)).map((booking) => booking.holderUserId);
  await notify(tx, {
    organizationId,
    kind: 'environment',
    key: `${id}/${news}/${version}`,
    to: { userIds: [...new Set([...holders, ...(ownerUserId === null ? [] : [ownerUserId])])], managers: true },
    subject: `${name} ${words.subject}`,
    text: `${name} ${words.subject}, by ${by.name}. ${words.text}`,
    at,
  });
}
