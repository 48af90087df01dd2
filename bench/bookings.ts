import type { BenchOptions, Say } from './options.ts';
import { benchBookingReads } from './booking-reads.ts';
import { benchBookingRequests } from './booking-requests.ts';
import { startDatabases } from './database.ts';
import type { Goal } from './report.ts';

/** `npm run bench -- bookings`: what a booking request costs beside its statements, and what calendars cost beside theirs. */
export async function benchBookings(options: BenchOptions, say: Say): Promise<Goal[]> {
  const databases = await startDatabases(say);
  try {
    return [...(await benchBookingRequests(databases, options, say)), ...(await benchBookingReads(databases, options, say))];
  } finally {
    await databases.stop();
  }
}
