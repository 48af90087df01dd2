import type { Database, Transaction } from '../shared/connection.ts';

/** Types of the organization's resources by their ids; an id that is none is left out. */
export async function resourceTypes(db: Database | Transaction, organizationId: string, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await db('resources')
    .where('organization_id', organizationId)
    .whereRaw('id = any(?)', [ids as string[]])
    .select<{ id: string; resource_type: string }[]>('id', 'resource_type');
  return new Map(rows.map((row) => [row.id, row.resource_type]));
}
