import { TAKING } from '../../domain/bookings/booking.ts';
import type { Project } from '../../domain/projects/project.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Transaction } from '../shared/connection.ts';
import { columnsOf, NEEDS_CAPACITY, toProjects } from './project-store.ts';
import { saveReleaseSteps } from './release-step-store.ts';

const MOVABLE = `next_due_at <= :at and not ${NEEDS_CAPACITY}
  and not exists (select from bookings b where b.organization_id = p.organization_id and b.project_id = p.id and b.state = any(:taking))`;

/**
 * Reads and locks projects whose deadline has come, of the organization that has most of them, the longest due first, at most `limit`.
 * Left out are those that others hold, that need the organization's capacity, or that have bookings to end: each takes locks of its own.
 */
export async function lockDueProjects(tx: Transaction, at: Instant, limit: number): Promise<Project[]> {
  const { rows } = await tx.raw<{ rows: Record<string, unknown>[] }>(
    `select * from projects p
     where organization_id = (select organization_id from projects p where ${MOVABLE} group by 1 order by count(*) desc limit 1) and ${MOVABLE}
     order by next_due_at, id limit :limit for update of p skip locked`,
    { at, limit, taking: [...TAKING] },
  );
  return await toProjects(tx, rows);
}

/** Writes what time changed of projects of one organization: their columns and the parts of their releases, not their people. */
export async function saveProjects(tx: Transaction, changes: readonly { before: Project; after: Project }[]): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const columns = Object.keys(columnsOf(first.after));
  const quoted = columns.map((column) => `"${column}"`).join(', ');
  const documents = changes.map(({ after }) => ({ id: after.id, ...columnsOf(after) }));
  await tx.raw(
    `update projects p set (${quoted}) = (select ${quoted} from jsonb_populate_record(null::projects, d.document))
     from jsonb_array_elements(cast(? as jsonb)) as d (document)
     where p.organization_id = ? and p.id = d.document ->> 'id'`,
    [JSON.stringify(documents), first.after.organizationId],
  );
  for (const { before, after } of changes) await saveReleaseSteps(tx, before, after);
}
