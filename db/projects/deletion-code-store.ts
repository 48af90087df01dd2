import type { CodeState } from '../../domain/projects/deletion-code.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** A code by which somebody confirms a deletion. The newest of a person counts. */
export interface DeletionCode extends CodeState {
  organizationId: string;
  projectId: string;
  userId: string;
  codeHash: string;
}

/** Which code: of whom, for which project. */
export type DeletionCodeKey = Pick<DeletionCode, 'organizationId' | 'projectId' | 'userId'>;

type Row = Record<string, unknown>;

export async function lockDeletionCode(tx: Transaction, key: DeletionCodeKey): Promise<DeletionCode | null> {
  const row = await tx('project_deletion_codes').where(columnsOf(key)).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toCode(key, row);
}

/** Reads a code without holding it. */
export async function getDeletionCode(db: Database | Transaction, key: DeletionCodeKey): Promise<DeletionCode | null> {
  const row = await db('project_deletion_codes').where(columnsOf(key)).first<Row | undefined>();
  return row === undefined ? null : toCode(key, row);
}

function toCode(key: DeletionCodeKey, row: Row): DeletionCode {
  return {
    ...key,
    codeHash: row.code_hash as string,
    triesLeft: row.tries_left as number,
    expiresAt: row.expires_at as string,
    usedAt: row.used_at as string | null,
    createdAt: row.created_at as string,
    askedSince: row.asked_since as string,
    asked: row.asked as number,
  };
}

/** Writes a code in the place of the person's older one. */
export async function putDeletionCode(tx: Transaction, code: DeletionCode): Promise<void> {
  await tx('project_deletion_codes')
    .insert({
      ...columnsOf(code),
      code_hash: code.codeHash,
      tries_left: code.triesLeft,
      expires_at: code.expiresAt,
      used_at: code.usedAt,
      created_at: code.createdAt,
      asked_since: code.askedSince,
      asked: code.asked,
    })
    .onConflict(['project_id', 'user_id'])
    .merge();
}

function columnsOf({ organizationId, projectId, userId }: DeletionCodeKey): Row {
  return { organization_id: organizationId, project_id: projectId, user_id: userId };
}
