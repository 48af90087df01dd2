import type { Operation } from '../../domain/operations/operation.ts';
import type { z } from '../shared/zod.ts';
import type { operationBody } from './schemas.ts';

/** An operation on the wire. */
export function operationView(operation: Operation): z.input<typeof operationBody> {
  return {
    id: operation.id,
    organization_id: operation.organizationId,
    kind: operation.kind,
    subject_id: operation.subjectId,
    workflow_id: operation.workflowId,
    state: operation.state,
    progress: operation.progress,
    result: operation.result,
    error: operation.error,
    created_at: operation.createdAt,
    updated_at: operation.updatedAt,
    done_at: operation.doneAt,
  };
}
