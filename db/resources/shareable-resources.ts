import type { Database, Transaction } from '../shared/connection.ts';

/** A resource as somebody names it who wants to share it. */
export interface ShareableResource {
  id: string;
  /** `service:type`, as `domain/billing/resource-types.ts` tells it. */
  type: string;
  /** Empty when it has none. */
  name: string;
  /** What its cloud calls it. */
  nativeId: string;
  /** Null for a resource that only bills know. */
  instance: { isGone: boolean } | null;
}

interface Row {
  id: string;
  resource_type: string;
  resource_name: string;
  native_id: string;
  is_instance: boolean;
  is_gone: boolean;
}

/** Resources of the organization by their ids, instances as discovery knows them; an id that is none is left out. */
export async function shareableResources(db: Database | Transaction, organizationId: string, ids: readonly string[]): Promise<Map<string, ShareableResource>> {
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select r.id, r.resource_type, coalesce(i.instance_name, r.resource_name) as resource_name, coalesce(i.native_id, r.native_id) as native_id,
       i.resource_id is not null as is_instance, i.gone_at is not null as is_gone
     from resources r left join instances i on i.resource_id = r.id
     where r.organization_id = ? and r.id = any(?)`,
    [organizationId, ids as string[]],
  );
  return new Map(rows.map((row) => [row.id, toShareable(row)]));
}

function toShareable(row: Row): ShareableResource {
  const { id, resource_type: type, resource_name: name, native_id: nativeId } = row;
  return { id, type, name, nativeId, instance: row.is_instance ? { isGone: row.is_gone } : null };
}
