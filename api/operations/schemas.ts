import { OPERATION_STATES } from '../../domain/operations/operation.ts';
import { errorRecord, instant } from '../shared/fields.ts';
import { z } from '../shared/zod.ts';

/** Long work as its caller sees it. */
export const operationBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    kind: z.string(),
    subject_id: z.string(),
    workflow_id: z.string(),
    state: z.enum(OPERATION_STATES),
    progress: z.record(z.string(), z.unknown()),
    result: z.record(z.string(), z.unknown()).nullable(),
    error: errorRecord.nullable(),
    created_at: instant,
    updated_at: instant,
    done_at: instant.nullable(),
  })
  .openapi('Operation');
