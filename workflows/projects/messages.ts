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

/** Where each owner works: what calls clouds belongs on `cloud`. */
export const RELEASE_QUEUES: Readonly<Record<ReleaseOwnerName, TaskQueue>> = { bookings: 'entities', quotas: 'entities' };

/**
 * The activity behind the act: asks the owner once and records what came of it under the act's key. It may be
 * repeated: an owner counts what is gone as released, and the same attempt is recorded once. It fails only where
 * the database is lost or the worker stops.
 */
export interface ProjectActivities {
  releasePart(ref: EntityRef, act: ReleaseAct): Promise<Performed<ReleaseAct>>;
}
