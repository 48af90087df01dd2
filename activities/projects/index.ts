import type { Logger } from 'pino';
import { endBookingsLeft } from '../../commands/projects/end-bookings.ts';
import { projectEntity } from '../../commands/projects/project-entity.ts';
import { recordReleasePart } from '../../commands/projects/record-release.ts';
import { advanceEntity } from '../../commands/shared/entity-commands.ts';
import { getProject } from '../../db/projects/project-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { ReleaseOutcome, ReleaseOwner, ReleaseOwnerName } from '../../domain/projects/release.ts';
import { DomainError, toErrorRecord } from '../../domain/shared/errors.ts';
import { laterOf, type Clock } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { ProjectActivities, ReleaseAct } from '../../workflows/projects/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';
import { portionByPortion } from '../shared/portions.ts';
import { bookingsOwner } from './owners/bookings.ts';
import { quotasOwner } from './owners/quotas.ts';

export type ReleaseOwners = Readonly<Record<ReleaseOwnerName, ReleaseOwner>>;

export interface ProjectActivityDependencies {
  db: Database;
  clock: Clock;
  log: Logger;
  /** Who lets go of what; the product's own by default. */
  owners?: ReleaseOwners | undefined;
}

/** Everybody who has something of a project: a domain to come adds its line. */
export function releaseOwners(db: Database): ReleaseOwners {
  return { bookings: bookingsOwner(db), quotas: quotasOwner(db) };
}

/** The activities behind the acts of a project; see their interface for what they guarantee. */
export function createProjectActivities(deps: ProjectActivityDependencies): ProjectActivities {
  const owners = deps.owners ?? releaseOwners(deps.db);
  return {
    async releasePart(ref, act) {
      const clock: Clock = { now: () => laterOf(act.at, deps.clock.now()) };
      const outcome = await longAttempt(({ signal }) => releasePart({ db: deps.db, log: deps.log, clock, owner: owners[act.owner] }, ref, act, signal));
      const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, projectEntity, ref, clock.now()));
      return { outcome, plan };
    },
    async endBookings(ref, act) {
      const clock: Clock = { now: () => laterOf(act.at, deps.clock.now()) };
      const ended = await longAttempt(({ signal }) =>
        portionByPortion(signal, async () => {
          const portion = await inTransaction(deps.db, (tx) => endBookingsLeft(tx, ref, act.bufferNumber, { at: clock.now(), by: actingActivity('project') }));
          return { done: portion.ended.length, left: portion.left };
        }),
      );
      const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, projectEntity, ref, clock.now()));
      return { outcome: `${ended} ended`, plan };
    },
  };
}

interface Part {
  db: Database;
  log: Logger;
  clock: Clock;
  owner: ReleaseOwner;
}

async function releasePart(part: Part, ref: EntityRef, act: ReleaseAct, signal: AbortSignal): Promise<string> {
  const { db, clock } = part;
  const project = await getProject(db, ref.organizationId, ref.id);
  const step = project?.releaseSteps.find((one) => one.owner === act.owner);
  const wanted = project?.state === 'releasing' && project.bufferNumber === act.bufferNumber && step?.state === 'pending' && step.attempts + 1 === act.attempt;
  if (!wanted) return 'no longer wanted';
  const outcome = await ask(part, ref, act, signal);
  const of = { owner: act.owner, bufferNumber: act.bufferNumber, number: act.attempt };
  await inTransaction(db, (tx) => recordReleasePart(tx, ref, of, outcome, { at: clock.now(), outcomeKey: act.key, by: actingActivity('project') }));
  return outcome.kind === 'released' ? `${outcome.released.count} released` : outcome.error.code;
}

async function ask({ owner, clock, log }: Part, ref: EntityRef, { bufferNumber, owner: name }: ReleaseAct, signal: AbortSignal): Promise<ReleaseOutcome> {
  const key = `${ref.id}/release/${name}/${bufferNumber}`;
  try {
    const answer = await owner.release({ organizationId: ref.organizationId, projectId: ref.id, bufferNumber, key, at: clock.now() }, signal);
    if (answer.done) return { kind: 'released', released: answer.released };
    const error = new DomainError({ kind: 'unavailable', code: 'projects.release-waits', message: `${name} waits for ${answer.waitsFor}.` });
    return { kind: 'waits', error: toErrorRecord(error), askAgainAt: answer.askAgainAt };
  } catch (error) {
    // A stopped worker is no answer of the owner's: the attempt is made again. So is one whose record the database does not take.
    if (signal.aborted) throw error;
    if (!(error instanceof DomainError)) log.error({ err: error, projectId: ref.id, owner: name }, 'an owner failed to release its part');
    return { kind: 'failed', error: toErrorRecord(error) };
  }
}
