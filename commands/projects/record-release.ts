import type { Transaction } from '../../db/shared/connection.ts';
import { recordRelease, retryRelease } from '../../domain/projects/project-decisions.ts';
import type { Project } from '../../domain/projects/project.ts';
import type { ReleaseOutcome, ReleaseOwnerName } from '../../domain/projects/release.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { projectEntity } from './project-entity.ts';

/** Records what an attempt of an owner came to; the last part that answers ends the release. The same attempt is recorded once. */
export async function recordReleasePart(
  tx: Transaction,
  ref: EntityRef,
  of: { owner: ReleaseOwnerName; bufferNumber: number; number: number },
  outcome: ReleaseOutcome,
  decision: Decision,
): Promise<void> {
  await decide(tx, projectEntity, ref, decision, (project, at) => recordRelease(project, of, outcome, at));
}

/** Has every owner that waits for its next attempt tried at once. Throws `projects.not-releasing`. */
export async function retryProjectRelease(tx: Transaction, ref: EntityRef, decision: Decision): Promise<Project> {
  return await decide(tx, projectEntity, ref, decision, retryRelease);
}
