import type { ErrorRecord } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';

export const OPERATION_STATES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** How an operation ended. */
export type OperationOutcome = Extract<OperationState, 'completed' | 'failed' | 'cancelled'>;

/** Long work as its caller sees it. The work itself is done by the workflow it names. */
export interface Operation {
  id: string;
  organizationId: string;
  /** `<domain>.<verb>`, for example `billing.import`. */
  kind: string;
  /** Id of what it works on. */
  subjectId: string;
  workflowId: string;
  state: OperationState;
  /** Counts so far, as its kind defines them; JSON. */
  progress: Record<string, unknown>;
  /** What came out, once completed; JSON without secrets. */
  result: Record<string, unknown> | null;
  error: ErrorRecord | null;
  createdAt: Instant;
  updatedAt: Instant;
  doneAt: Instant | null;
}
