import { INSTANCE_IN_BILLS } from '../../domain/resources/discovered-resource.ts';
import type { Transaction } from '../shared/connection.ts';

const CALLED = Object.entries(INSTANCE_IN_BILLS)
  .map(([cloud, { resourceType, serviceName }]) => `('${cloud}', '${resourceType}', '${serviceName}')`)
  .join(', ');

/**
 * Lets resources of the temporary table `touched_resources` that no bill names any more, and discovery
 * does, be what discovery says of them. The caller holds the lock of billing merges.
 */
export async function restoreDiscovered(tx: Transaction): Promise<void> {
  await tx.raw(
    `update resources r set resource_name = i.instance_name, resource_type = c.resource_type, service_name = c.service_name,
       region_id = i.region_id, tags = i.resource_tags, first_seen = i.first_discovered_at, last_seen = i.last_discovered_at
     from touched_resources t, instances i, (values ${CALLED}) c (cloud, resource_type, service_name)
     where r.key = t.resource_key and i.resource_id = r.id and c.cloud = i.cloud
       and not exists (select from resource_periods p where p.resource_key = r.key)`,
  );
}
