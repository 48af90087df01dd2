import type { CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { deletePendingSecret } from './credentials-store.ts';

type Row = Record<string, unknown>;

export async function lockCheck(tx: Transaction, organizationId: string, id: string): Promise<CredentialCheck | null> {
  const row = await tx('credential_checks').where({ organization_id: organizationId, id }).forUpdate().first<Row>();
  return row === undefined ? null : toCheck(row);
}

export async function getCheck(db: Database, organizationId: string, id: string): Promise<CredentialCheck | null> {
  const row = await db('credential_checks').where({ organization_id: organizationId, id }).first<Row>();
  return row === undefined ? null : toCheck(row);
}

export async function insertCheck(tx: Transaction, check: CredentialCheck): Promise<void> {
  await tx('credential_checks').insert({
    id: check.id,
    organization_id: check.organizationId,
    data_source_id: check.dataSourceId,
    purpose: check.purpose,
    request: JSON.stringify(check.request),
    actor: JSON.stringify(check.actor),
    operation_id: check.operationId,
    created_at: check.createdAt,
    ...toColumns(check),
  });
}

/** Writes what changed. The secret of a check that ended is purged in the same transaction. */
export async function saveCheck(tx: Transaction, before: CredentialCheck, after: CredentialCheck): Promise<void> {
  if (before.pendingSecretId !== null && after.pendingSecretId === null) {
    await deletePendingSecret(tx, after.organizationId, before.pendingSecretId);
  }
  await tx('credential_checks').where({ organization_id: after.organizationId, id: after.id }).update(toColumns(after));
}

function toColumns(check: CredentialCheck): Row {
  return {
    pending_secret_id: check.pendingSecretId,
    state: check.state,
    error: check.error === null ? null : JSON.stringify(check.error),
    version: check.version,
    next_due_at: check.nextDueAt,
    last_at: check.lastAt,
  };
}

function toCheck(row: Row): CredentialCheck {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    dataSourceId: row.data_source_id as string,
    purpose: row.purpose as CredentialCheck['purpose'],
    request: row.request as CredentialCheck['request'],
    actor: row.actor as CredentialCheck['actor'],
    pendingSecretId: row.pending_secret_id as string | null,
    operationId: row.operation_id as string,
    state: row.state as CredentialCheck['state'],
    error: row.error as CredentialCheck['error'],
    version: row.version as number,
    nextDueAt: row.next_due_at as string | null,
    lastAt: row.last_at as string,
    createdAt: row.created_at as string,
  };
}
