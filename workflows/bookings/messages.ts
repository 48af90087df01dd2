import type { EntityAct } from '../messages.ts';

/** Kind of the workflow that waits for a booking's start and end; its id is `booking/<id>`. */
export const BOOKING = 'booking';

/** A booking has nothing to perform: what follows from it are rows of other domains, with workflows of their own. */
export type BookingAct = EntityAct & { name: never };
