import type { Transaction } from '../shared/connection.ts';

/**
 * Keeps others from taking up or removing raw objects of the organization until the transaction
 * ends: an import that is about to name an object and a purge that is about to remove it exclude each other.
 */
export async function lockRawObjects(tx: Transaction, organizationId: string): Promise<void> {
  await tx.raw(`select pg_advisory_xact_lock(hashtextextended(?, 0))`, [`raw-objects/${organizationId}`]);
}

/** Which of these objects a current generation of the organization is made of. */
export async function referencedObjects(tx: Transaction, organizationId: string, sha256s: string[]): Promise<Set<string>> {
  const result = await tx.raw<{ rows: { sha256: string }[] }>(
    `select distinct object ->> 'sha256' as sha256
     from billing_periods, jsonb_array_elements(objects) as object
     where organization_id = ? and object ->> 'sha256' = any (?)`,
    [organizationId, sha256s],
  );
  return new Set(result.rows.map((row) => row.sha256));
}
