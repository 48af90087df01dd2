import type { ListedScalingGroup } from '../../db/sandbox/scaling-group-store.ts';
import type { LoggedCall } from '../../db/sandbox/call-log.ts';
import { hourlyPriceOf, type SandboxAccount, type SandboxAccountKey } from '../../domain/sandbox/account.ts';
import { SANDBOX_INSTANCE_TYPE_NAMES, SANDBOX_INSTANCE_TYPES, SANDBOX_REGIONS, zonesOf } from '../../domain/sandbox/catalogue.ts';
import type { SandboxFault } from '../../domain/sandbox/fault.ts';
import { settle, type SandboxInstance } from '../../domain/sandbox/instance.ts';
import type { SandboxScalingGroup } from '../../domain/sandbox/scaling-group.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { z } from '../shared/zod.ts';
import type { callBody, faultBody, groupBody, instanceBody, listedGroupBody, sandboxBody } from './schemas.ts';

export function sandboxView(key: SandboxAccountKey, account: SandboxAccount, instances: Record<string, number>): z.input<typeof sandboxBody> {
  return {
    account_id: key.accountId,
    operations: account.operations,
    refuses_whole_batches: account.refusesWholeBatches,
    instance_types: SANDBOX_INSTANCE_TYPE_NAMES.map((name) => {
      const { vcpus, memoryGib, hourlyPrice } = SANDBOX_INSTANCE_TYPES[name];
      const { amount, currency } = hourlyPriceOf(account, name);
      return { name, vcpus, memory_gib: memoryGib, hourly_price: amount, list_hourly_price: hourlyPrice, currency };
    }),
    regions: SANDBOX_REGIONS.map((id) => ({ id, zones: zonesOf(id) })),
    instances,
  };
}

/** The instance as it is at this instant. */
export function instanceView(row: SandboxInstance, at: Instant): z.input<typeof instanceBody> {
  const instance = settle(row, at);
  return {
    id: instance.id,
    organization_id: instance.organizationId,
    account_id: instance.accountId,
    name: instance.name,
    region_id: instance.regionId,
    zone: instance.zone,
    instance_type: instance.instanceType,
    tags: instance.tags,
    state: instance.state,
    state_reason: instance.stateReason,
    state_since: instance.stateSince,
    changes_at: instance.next?.at ?? null,
    boot_seconds: instance.bootSeconds,
    stop_seconds: instance.stopSeconds,
    scaling_group_id: instance.scalingGroupId,
    spot: instance.spot,
    stop_protection: instance.stopProtection,
    instance_store_root: instance.instanceStoreRoot,
    local_ssd: instance.localSsd,
    launched_at: instance.launchedAt,
    created_at: instance.createdAt,
  };
}

export function faultView(fault: SandboxFault): z.input<typeof faultBody> {
  return {
    id: fault.id,
    kind: fault.kind,
    action: fault.action,
    region_id: fault.regionId,
    instance_type: fault.instanceType,
    instance_id: fault.instanceId,
    remaining: fault.remaining,
    percent: fault.percent,
    seed: fault.seed,
    met: fault.met,
    struck: fault.struck,
    retry_after_seconds: fault.retryAfterSeconds,
    message: fault.message,
    created_at: fault.createdAt,
  };
}

export function groupView(group: SandboxScalingGroup): z.input<typeof groupBody> {
  const { id, accountId, name, replacedAfterSeconds, createdAt } = group;
  return { id, account_id: accountId, name, replaced_after_seconds: replacedAfterSeconds, created_at: createdAt };
}

export function listedGroupView(group: ListedScalingGroup): z.input<typeof listedGroupBody> {
  return { ...groupView(group), members: group.members };
}

export function callView(call: LoggedCall): z.input<typeof callBody> {
  return {
    number: call.number,
    at: call.at,
    via: call.via,
    action: call.action,
    region_id: call.regionId,
    instance_id: call.instanceId,
    instance_name: call.instanceName,
    batch: call.batch,
    request_key: call.requestKey,
    outcome: call.outcome,
    changed: call.changed,
    detail: call.detail,
  };
}
