import type { Instant } from '../../domain/shared/time.ts';
import type { Transaction } from '../shared/connection.ts';

/** A code by which somebody confirms a deletion. The newest of a person counts. */
export interface DeletionCode {
  organizationId: string;
  projectId: string;
  userId: string;
  codeHash: string;
  triesLeft: number;
  expiresAt: Instant;
  usedAt: Instant | null;
  createdAt: Instant;
}

/** Which code: of whom, for which project. */
export type DeletionCodeKey = Pick<DeletionCode, 'organizationId' | 'projectId' | 'userId'>;

type Row = Record<string, unknown>;

export async function lockDeletionCode(tx: Transaction, key: DeletionCodeKey): Promise<DeletionCode | null> {
  const row = await tx('project_deletion_codes').where(columnsOf(key)).forUpdate().first<Row | undefined>();
  if (row === undefined) return null;
  return {
    ...key,
    codeHash: row.code_hash as string,
    triesLeft: row.tries_left as number,
    expiresAt: row.expires_at as string,
    usedAt: row.used_at as string | null,
    createdAt: row.created_at as string,
  };
}

/** Writes a code in the place of the person's older one. */
export async function putDeletionCode(tx: Transaction, code: DeletionCode): Promise<void> {
  await tx('project_deletion_codes')
    .insert({ ...columnsOf(code), code_hash: code.codeHash, tries_left: code.triesLeft, expires_at: code.expiresAt, used_at: code.usedAt, created_at: code.createdAt })
    .onConflict(['project_id', 'user_id'])
    .merge();
}

function columnsOf({ organizationId, projectId, userId }: DeletionCodeKey): Row {
  return { organization_id: organizationId, project_id: projectId, user_id: userId };
}
