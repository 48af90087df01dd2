import type { Sealed } from '../../domain/shared/vault.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** A secret that waits for its check: purged on success, failure or expiry. */
export async function insertPendingSecret(
  tx: Transaction,
  organizationId: string,
  secret: { id: string; sealed: Sealed; createdAt: Instant; expiresAt: Instant },
): Promise<void> {
  await tx('pending_secrets').insert({
    id: secret.id,
    organization_id: organizationId,
    sealed: Buffer.from(secret.sealed.bytes),
    key_id: secret.sealed.keyId,
    created_at: secret.createdAt,
    expires_at: secret.expiresAt,
  });
}

export async function readPendingSecret(db: Database, organizationId: string, id: string): Promise<Sealed | null> {
  return toSealed(await db('pending_secrets').where({ organization_id: organizationId, id }).first<Row>('sealed', 'key_id'));
}

export async function deletePendingSecret(tx: Transaction, organizationId: string, id: string): Promise<void> {
  await tx('pending_secrets').where({ organization_id: organizationId, id }).delete();
}

/** Puts a data source's sealed credentials in place of the old ones. Their vault context is the data source's id. */
export async function saveCredentials(
  tx: Transaction,
  organizationId: string,
  dataSourceId: string,
  sealed: Sealed,
  at: Instant,
): Promise<void> {
  await tx('data_source_credentials')
    .insert({
      organization_id: organizationId,
      data_source_id: dataSourceId,
      sealed: Buffer.from(sealed.bytes),
      key_id: sealed.keyId,
      updated_at: at,
    })
    .onConflict('data_source_id')
    .merge();
}

export async function readCredentials(db: Database, organizationId: string, dataSourceId: string): Promise<Sealed | null> {
  const key = { organization_id: organizationId, data_source_id: dataSourceId };
  return toSealed(await db('data_source_credentials').where(key).first<Row>('sealed', 'key_id'));
}

export async function deleteCredentials(tx: Transaction, organizationId: string, dataSourceId: string): Promise<void> {
  await tx('data_source_credentials').where({ organization_id: organizationId, data_source_id: dataSourceId }).delete();
}

/** Credentials sealed under another key than the current one, for rotation; locked, a batch at a time. */
export async function lockCredentialsOfOtherKeys(
  tx: Transaction,
  currentKeyId: string,
  limit: number,
): Promise<{ organizationId: string; dataSourceId: string; sealed: Sealed }[]> {
  const rows = await tx('data_source_credentials').whereNot('key_id', currentKeyId).limit(limit).forUpdate().select<Row[]>('*');
  return rows.map((row) => ({
    organizationId: row.organization_id as string,
    dataSourceId: row.data_source_id as string,
    sealed: { bytes: row.sealed as Buffer, keyId: row.key_id as string },
  }));
}

function toSealed(row: Row | undefined): Sealed | null {
  return row === undefined ? null : { bytes: row.sealed as Buffer, keyId: row.key_id as string };
}
