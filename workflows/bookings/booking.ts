import { runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { BOOKING, type BookingAct } from './messages.ts';

/** Keeps a booking in step with its row from reservation to release. Id: booking/<id>. Lives as long as the booking. */
export async function booking(ref: EntityRef): Promise<string> {
  return await runEntity<BookingAct>(BOOKING, ref, (_ref, act) => {
    throw new Error(`a booking has no act ${String(act.name)}`);
  });
}
