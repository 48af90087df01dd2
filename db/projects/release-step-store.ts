import type { Project } from '../../domain/projects/project.ts';
import type { Released, ReleaseOwnerName, ReleaseStep } from '../../domain/projects/release.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** The parts of the release after each project's newest buffer, by the project's id, in the order of their owners' names. */
export async function readReleaseSteps(db: Database | Transaction, projectIds: readonly string[]): Promise<Map<string, ReleaseStep[]>> {
  const steps = new Map<string, ReleaseStep[]>();
  if (projectIds.length === 0) return steps;
  const rows = await db('project_release_steps as s')
    .join('projects as p', (on) => void on.on('p.id', 's.project_id').andOn('p.buffer_number', 's.buffer_number'))
    .whereIn('s.project_id', [...projectIds])
    .orderBy('s.owner')
    .select<Row[]>('s.*');
  for (const row of rows) steps.set(row.project_id as string, [...(steps.get(row.project_id as string) ?? []), toStep(row)]);
  return steps;
}

/** Writes the parts that differ. */
export async function saveReleaseSteps(tx: Transaction, before: Project, after: Project): Promise<void> {
  const known = new Map(before.releaseSteps.map((step) => [step.owner, step]));
  const changed = after.releaseSteps.filter((step) => JSON.stringify(step) !== JSON.stringify(known.get(step.owner)));
  if (changed.length === 0) return;
  const key = { organization_id: after.organizationId, project_id: after.id, buffer_number: after.bufferNumber };
  await tx('project_release_steps')
    .insert(changed.map((step) => ({ ...key, owner: step.owner, ...toColumns(step) })))
    .onConflict(['project_id', 'buffer_number', 'owner'])
    .merge();
}

function toColumns(step: ReleaseStep): Row {
  return {
    state: step.state,
    attempts: step.attempts,
    next_attempt_at: step.nextAttemptAt,
    last_error: step.lastError === null ? null : JSON.stringify(step.lastError),
    released: step.released === null ? null : JSON.stringify(step.released),
    told_at: step.toldAt,
    ended_at: step.endedAt,
  };
}

function toStep(row: Row): ReleaseStep {
  return {
    owner: row.owner as ReleaseOwnerName,
    state: row.state as ReleaseStep['state'],
    attempts: row.attempts as number,
    nextAttemptAt: row.next_attempt_at as string | null,
    lastError: row.last_error as ErrorRecord | null,
    released: row.released as Released | null,
    toldAt: row.told_at as string | null,
    endedAt: row.ended_at as string | null,
  };
}
