import type { Cloud, InstanceRef, InstanceState, ObservedInstance } from '../../domain/resources/instance.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** What others may know of an instance to decide on it and to call its cloud. */
export interface InstanceTarget {
  resourceId: string;
  dataSourceId: string;
  cloud: Cloud;
  name: string;
  ref: InstanceRef;
  state: InstanceState;
  isGone: boolean;
  canStop: boolean;
  cannotStopReason: string | null;
  cannotStopDetail: string | null;
}

const COLUMNS = [
  'resource_id', 'data_source_id', 'cloud', 'instance_name', 'native_id', 'region_id', 'handle', 'discard_local_ssd', 'state', 'gone_at',
  'can_stop', 'cannot_stop_reason', 'cannot_stop_detail',
];

/** Instances of the organization by their resource ids; an id that is none is left out. */
export async function instanceTargets(
  db: Database | Transaction,
  organizationId: string,
  resourceIds: readonly string[],
): Promise<Map<string, InstanceTarget>> {
  const rows = await db('instances')
    .where('organization_id', organizationId)
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .select<Record<string, unknown>[]>(...COLUMNS);
  return new Map(rows.map((row) => [row.resource_id as string, toTarget(row)]));
}

function toTarget(row: Record<string, unknown>): InstanceTarget {
  return {
    resourceId: row.resource_id as string,
    dataSourceId: row.data_source_id as string,
    cloud: row.cloud as Cloud,
    name: row.instance_name as string,
    ref: {
      nativeId: row.native_id as string,
      regionId: row.region_id as string,
      handle: row.handle as Record<string, string>,
      discardLocalSsd: row.discard_local_ssd as boolean,
    },
    state: row.state as InstanceState,
    isGone: row.gone_at !== null,
    canStop: row.can_stop as boolean,
    cannotStopReason: row.cannot_stop_reason as string | null,
    cannotStopDetail: row.cannot_stop_detail as string | null,
  };
}

/** Keeps what a look at instances showed, unless a later look is known. */
export async function saveObserved(
  tx: Transaction,
  organizationId: string,
  observed: readonly (ObservedInstance & { resourceId: string })[],
  at: Instant,
): Promise<void> {
  if (observed.length === 0) return;
  await tx.raw(
    `update instances i set state = g.state, state_reason = g."stateReason", observed_at = :at
     from jsonb_to_recordset(cast(:observed as jsonb)) as g ("resourceId" text, state text, "stateReason" text)
     -- The ids once more, so that it goes by the index whatever the planner believes of the record set.
     where i.organization_id = :organizationId and i.resource_id = any(:ids) and i.resource_id = g."resourceId" and i.observed_at <= :at`,
    { organizationId, at, ids: observed.map((one) => one.resourceId), observed: JSON.stringify(observed) } as never,
  );
}
