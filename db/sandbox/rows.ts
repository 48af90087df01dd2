import type { SandboxLogEntry } from '../../domain/sandbox/call.ts';
import type { SandboxFault } from '../../domain/sandbox/fault.ts';
import type { SandboxInstance } from '../../domain/sandbox/instance.ts';

export type Row = Record<string, unknown>;

/** The columns of instances, with what they have from their scaling group. */
export const INSTANCE_FROM = `sandbox_instances i left join sandbox_scaling_groups g on g.id = i.scaling_group_id`;
export const INSTANCE_COLUMNS = `i.*, g.replaced_after_seconds`;

export function toInstance(row: Row): SandboxInstance {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    accountId: row.account_id as string,
    version: row.version as number,
    name: row.name as string,
    instanceType: row.instance_type as SandboxInstance['instanceType'],
    regionId: row.region_id as SandboxInstance['regionId'],
    zone: row.zone as string,
    tags: row.tags as Record<string, string>,
    bootSeconds: row.boot_seconds as number,
    stopSeconds: row.stop_seconds as number,
    scalingGroupId: row.scaling_group_id as string | null,
    spot: row.spot as SandboxInstance['spot'],
    stopProtection: row.stop_protection as boolean,
    instanceStoreRoot: row.instance_store_root as boolean,
    localSsd: row.local_ssd as boolean,
    state: row.state as SandboxInstance['state'],
    stateReason: row.state_reason as string | null,
    stateSince: row.state_since as string,
    next: toNext(row),
    failure: row.failure as SandboxInstance['failure'],
    operation: row.operation as string | null,
    startKey: row.start_key as string | null,
    stopKey: row.stop_key as string | null,
    launchedAt: row.launched_at as string | null,
    createdAt: row.created_at as string,
    replacedAfterSeconds: row.replaced_after_seconds as number | null,
  };
}

function toNext(row: Row): SandboxInstance['next'] {
  if (row.next_at === null) return null;
  return {
    at: row.next_at as string,
    state: row.next_state as SandboxInstance['state'],
    reason: row.next_reason as string | null,
    failure: row.next_failure as SandboxInstance['failure'],
  };
}

/** What a start, a stop or time changes of an instance. */
export function toCourse(instance: SandboxInstance): Row {
  return {
    state: instance.state,
    state_reason: instance.stateReason,
    state_since: instance.stateSince,
    next_at: instance.next?.at ?? null,
    next_state: instance.next?.state ?? null,
    next_reason: instance.next?.reason ?? null,
    next_failure: instance.next?.failure ?? null,
    failure: instance.failure,
    operation: instance.operation,
    start_key: instance.startKey,
    stop_key: instance.stopKey,
    launched_at: instance.launchedAt,
  };
}

/** What a person sets of an instance. */
export function toSettings(instance: SandboxInstance): Row {
  return {
    name: instance.name,
    instance_type: instance.instanceType,
    tags: instance.tags,
    boot_seconds: instance.bootSeconds,
    stop_seconds: instance.stopSeconds,
    scaling_group_id: instance.scalingGroupId,
    spot: instance.spot,
    stop_protection: instance.stopProtection,
    instance_store_root: instance.instanceStoreRoot,
    local_ssd: instance.localSsd,
  };
}

export function toFault(row: Row): SandboxFault {
  return {
    id: row.id as string,
    kind: row.kind as SandboxFault['kind'],
    action: row.action as SandboxFault['action'],
    regionId: row.region_id as string | null,
    instanceType: row.instance_type as string | null,
    instanceId: row.instance_id as string | null,
    remaining: row.remaining as number | null,
    percent: row.percent as number,
    seed: row.seed as number,
    met: row.met as number,
    struck: row.struck as number,
    retryAfterSeconds: row.retry_after_seconds as number | null,
    message: row.message as string | null,
    createdAt: row.created_at as string,
  };
}

export function toLogRow(entry: SandboxLogEntry): Row {
  return {
    at: entry.at,
    via: entry.via,
    action: entry.action,
    region_id: entry.regionId,
    instance_id: entry.instanceId,
    instance_name: entry.instanceName,
    batch: entry.batch,
    request_key: entry.requestKey,
    outcome: entry.outcome,
    changed: entry.changed,
    detail: entry.detail,
  };
}

export function toLogEntry(row: Row): SandboxLogEntry {
  return {
    at: row.at as string,
    via: row.via as SandboxLogEntry['via'],
    action: row.action as SandboxLogEntry['action'],
    regionId: row.region_id as string | null,
    instanceId: row.instance_id as string | null,
    instanceName: row.instance_name as string | null,
    batch: row.batch as number,
    requestKey: row.request_key as string | null,
    outcome: row.outcome as SandboxLogEntry['outcome'],
    changed: row.changed as boolean,
    detail: row.detail as string | null,
  };
}
