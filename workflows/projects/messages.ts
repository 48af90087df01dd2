import type { ReleaseOwnerName } from '../../domain/projects/release.ts';
import type { EntityAct, EntityRef, Performed, TaskQueue } from '../messages.ts';

/** Kind of the workflow that keeps a project; its id is `project/<project id>`. */
export const PROJECT = 'project';

/**
 * Lets one owner release what it has of a project. The acts of a release do not depend on each other. Whatever
 * holds an owner up is recorded on its part of the release, and the act of its next attempt is due when the
 * row says.
 */
export interface ReleaseAct extends EntityAct {
  name: 'release-part';
  owner: ReleaseOwnerName;
  /** Which release of the project it belongs to. */
  bufferNumber: number;
  /** Which attempt of the owner it is, from 1. */
  attempt: number;
  /** The plan's instant. */
  at: string;
}

/**
 * Ends what is left of the bookings of a project in its buffer, portion by portion, each a transaction. What has ended is the
 * bookings' rows: the act is wanted until none is left, or the project has left this buffer.
 */
export interface EndBookingsAct extends EntityAct {
  name: 'end-bookings';
  bufferNumber: number;
  /** The plan's instant. */
  at: string;
}

export type ProjectAct = ReleaseAct | EndBookingsAct;

/** Where each owner works: what calls clouds belongs on `cloud`. */
export const RELEASE_QUEUES: Readonly<Record<ReleaseOwnerName, TaskQueue>> = { bookings: 'entities', quotas: 'entities' };

/** The activities behind the acts. They fail only where the database is lost or the worker stops, and may be repeated. */
export interface ProjectActivities {
  /** Asks the owner once and records what came of it under the act's key: an owner counts what is gone as released, and the same attempt is recorded once. */
  releasePart(ref: EntityRef, act: ReleaseAct): Promise<Performed<ProjectAct>>;
  /** Goes on where an attempt before it stopped. */
  endBookings(ref: EntityRef, act: EndBookingsAct): Promise<Performed<ProjectAct>>;
}
