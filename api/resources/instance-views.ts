import type { ListedInstance } from '../../db/resources/instance-list.ts';
import type { CannotStopReason } from '../../domain/resources/instance.ts';
import type { z } from '../shared/zod.ts';
import type { instanceBlock, instanceBody } from './instance-schemas.ts';

/** What a resource is besides when it is an instance. */
export function instanceBlockView(instance: ListedInstance): z.input<typeof instanceBlock> {
  const { wanted, wantedSince, decidedBy, decidedById } = instance;
  return {
    data_source_id: instance.dataSourceId,
    instance_type: instance.instanceType,
    zone: instance.zone,
    state: instance.state,
    state_reason: instance.stateReason,
    observed_at: instance.observedAt,
    launched_at: instance.launchedAt,
    can_stop: { allowed: instance.canStop, reason: instance.cannotStopReason as CannotStopReason | null, detail: instance.cannotStopDetail },
    discard_local_ssd: instance.discardLocalSsd,
    hourly_price: instance.hourlyPrice,
    first_discovered_at: instance.firstDiscoveredAt,
    last_discovered_at: instance.lastDiscoveredAt,
    gone_at: instance.goneAt,
    power_schedule_id: instance.powerScheduleId,
    power: wanted === null || wantedSince === null ? null : { wanted, wanted_since: wantedSince, decided_by: decidedBy, decided_by_id: decidedById },
  };
}

/** An instance by itself. */
export function instanceView(instance: ListedInstance): z.input<typeof instanceBody> {
  return {
    id: instance.id,
    organization_id: instance.organizationId,
    cloud: instance.cloud,
    account_id: instance.accountId,
    native_id: instance.nativeId,
    name: instance.name,
    region: instance.regionId,
    tags: instance.tags,
    ...instanceBlockView(instance),
    version: instance.version,
  };
}
