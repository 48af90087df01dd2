import type { EntityAct } from '../messages.ts';

/** Kind of the workflow that waits for a review's deadlines; its id is `application/<id>`. */
export const APPLICATION = 'application';

/** A review has nothing to perform: what follows from it are rows of other domains, with workflows of their own. */
export type ApplicationAct = EntityAct & { name: never };
