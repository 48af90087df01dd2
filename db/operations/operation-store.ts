import type { Operation, OperationOutcome } from '../../domain/operations/operation.ts';
import type { ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { inOrderOfIds } from '../shared/list-order.ts';

export type NewOperation = Pick<Operation, 'id' | 'organizationId' | 'kind' | 'subjectId' | 'workflowId' | 'createdAt'>;

/** Adds a pending operation in the caller's transaction. */
export async function insertOperation(tx: Transaction, operation: NewOperation): Promise<Operation> {
  const [row] = await tx('operations')
    .insert({
      id: operation.id,
      organization_id: operation.organizationId,
      kind: operation.kind,
      subject_id: operation.subjectId,
      workflow_id: operation.workflowId,
      state: 'pending',
      created_at: operation.createdAt,
      updated_at: operation.createdAt,
    })
    .returning('*');
  return toOperation(row as Record<string, unknown>);
}

/** The organization's operation, or null. */
export async function getOperation(db: Database | Transaction, organizationId: string, id: string): Promise<Operation | null> {
  const row = await db('operations').where({ organization_id: organizationId, id }).first<Record<string, unknown> | undefined>();
  return row === undefined ? null : toOperation(row);
}

/** The organization that owns an operation, or null when there is no such operation. */
export async function organizationOfOperation(db: Database, id: string): Promise<string | null> {
  const row = await db('operations').where('id', id).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** From pending to running. Repeating it, or calling it on one that is done, changes nothing. */
export async function markOperationRunning(tx: Database | Transaction, organizationId: string, id: string, at: Instant): Promise<void> {
  await tx('operations').where({ organization_id: organizationId, id, state: 'pending' }).update({ state: 'running', updated_at: at });
}

/**
 * Replaces the progress of an operation that is not done, without ledger or wake-up; answers whether
 * it was still open. Who calls this checks its fence in the same transaction.
 */
export async function updateOperationProgress(
  tx: Database | Transaction,
  organizationId: string,
  id: string,
  progress: Record<string, unknown>,
  at: Instant,
): Promise<boolean> {
  const changed = await tx('operations')
    .where({ organization_id: organizationId, id })
    .whereIn('state', ['pending', 'running'])
    .update({ progress: JSON.stringify(progress), updated_at: at });
  return changed === 1;
}

export interface Finish {
  state: OperationOutcome;
  /** For a completed one. */
  result?: Record<string, unknown> | null;
  /** For a failed one. */
  error?: ErrorRecord | null;
  /** The last progress, when it is to change with the end. */
  progress?: Record<string, unknown>;
}

/** Ends an operation; answers false and changes nothing when it had ended before. */
export async function finishOperation(
  tx: Database | Transaction,
  organizationId: string,
  id: string,
  finish: Finish,
  at: Instant,
): Promise<boolean> {
  const changed = await tx('operations')
    .where({ organization_id: organizationId, id })
    .whereIn('state', ['pending', 'running'])
    .update({
      state: finish.state,
      result: finish.result === undefined || finish.result === null ? null : JSON.stringify(finish.result),
      error: finish.error === undefined || finish.error === null ? null : JSON.stringify(finish.error),
      ...(finish.progress !== undefined && { progress: JSON.stringify(finish.progress) }),
      updated_at: at,
      done_at: at,
    });
  return changed === 1;
}

export interface OperationFilter {
  kind?: string | undefined;
  state?: string | undefined;
  subjectId?: string | undefined;
}

/** The organization's operations, newest first, at most `limit` after the id `before`; `total` counts all that match. */
export async function listOperations(
  db: Database,
  organizationId: string,
  filter: OperationFilter,
  page: { limit: number; descending: boolean; after: string | null },
): Promise<{ rows: Operation[]; total: number }> {
  const matching = db('operations').where('organization_id', organizationId);
  if (filter.kind !== undefined) void matching.where('kind', filter.kind);
  if (filter.state !== undefined) void matching.where('state', filter.state);
  if (filter.subjectId !== undefined) void matching.where('subject_id', filter.subjectId);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const rows = matching.clone();
  inOrderOfIds(rows, 'id', page);
  return { rows: ((await rows) as Record<string, unknown>[]).map(toOperation), total: counted?.count ?? 0 };
}

function toOperation(row: Record<string, unknown>): Operation {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    kind: row.kind as string,
    subjectId: row.subject_id as string,
    workflowId: row.workflow_id as string,
    state: row.state as Operation['state'],
    progress: row.progress as Operation['progress'],
    result: row.result as Operation['result'],
    error: row.error as Operation['error'],
    createdAt: row.created_at as Instant,
    updatedAt: row.updated_at as Instant,
    doneAt: row.done_at as Instant | null,
  };
}
