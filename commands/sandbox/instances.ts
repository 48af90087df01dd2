import { deleteSandboxInstances, getSandboxInstance, insertSandboxInstances, saveSandboxInstance } from '../../db/sandbox/instance-store.ts';
import { replaceStoppedMembers as replaceIn } from '../../db/sandbox/sandbox-store.ts';
import { writeDecision } from '../../db/sandbox/write-decision.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import { beginStart, beginStop, settle, type SandboxInstance, type SandboxInstanceSettings } from '../../domain/sandbox/instance.ts';
import { newInstances, type InstanceWish } from '../../domain/sandbox/new-instance.ts';
import { isUnderWay, refusalOf } from '../../domain/sandbox/power-call.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';
import { recordSandboxChange, requireScalingGroup, type SandboxCommand } from './shared.ts';

/** Makes `count` instances alike. */
export async function createSandboxInstances(
  tx: Transaction,
  request: { key: SandboxAccountKey; wish: InstanceWish; count: number },
  command: SandboxCommand,
): Promise<SandboxInstance[]> {
  const { key, wish, count } = request;
  await requireScalingGroup(tx, key, wish.scalingGroupId);
  const made = newInstances(key, wish, Array.from({ length: count }, newSandboxInstanceId), command.at);
  await insertSandboxInstances(tx, made);
  const subject = count === 1 ? (made[0] as SandboxInstance).id : key.accountId;
  const after = { account_id: key.accountId, count, ...forLedger(wish) };
  await recordSandboxChange(tx, { organizationId: key.organizationId, subject, action: 'sandbox.create-instances', before: null, after }, command);
  return made;
}

/** Puts new members in the place of those that their scaling group has found stopped. Lists do so before they look. */
export async function replaceStoppedMembers(tx: Transaction, key: SandboxAccountKey, at: Instant): Promise<void> {
  await replaceIn(tx, key, at, newSandboxInstanceId);
}

/** Changes what an instance is set to; what it is in the middle of goes on as it began. */
export async function editSandboxInstance(
  tx: Transaction,
  ref: { organizationId: string; id: string },
  changes: Partial<SandboxInstanceSettings>,
  command: SandboxCommand,
): Promise<SandboxInstance> {
  const before = await lockInstance(tx, ref, command);
  await requireScalingGroup(tx, before, changes.scalingGroupId);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  await saveSandboxInstance(tx, { ...before, ...given });
  const after = await lockInstance(tx, ref, { at: command.at, by: command.by });
  const change = { organizationId: ref.organizationId, subject: ref.id, action: 'sandbox.edit-instance' as const };
  await recordSandboxChange(tx, { ...change, before: forLedger(before), after: forLedger(after) }, command);
  return after;
}

/** The cloud does not know it from here on. */
export async function deleteSandboxInstance(tx: Transaction, ref: { organizationId: string; id: string }, command: SandboxCommand): Promise<void> {
  const before = await lockInstance(tx, ref, command);
  await deleteSandboxInstances(tx, ref.organizationId, [ref.id]);
  const change = { organizationId: ref.organizationId, subject: ref.id, action: 'sandbox.delete-instance' as const };
  await recordSandboxChange(tx, { ...change, before: forLedger(before), after: null }, command);
}

/**
 * Somebody starts or stops an instance in the cloud's own console. The cloud's rules hold, its faults do
 * not. A stop of one that is stuck in stopping is a forced one, which ends it.
 */
export async function actInConsole(
  tx: Transaction,
  ref: { organizationId: string; id: string },
  action: 'start' | 'stop',
  command: SandboxCommand,
): Promise<SandboxInstance> {
  const { at } = command;
  const before = await lockInstance(tx, ref, command);
  const after = inConsole(before, action, at);
  const line = {
    at,
    via: 'console' as const,
    action,
    regionId: before.regionId,
    instanceId: before.id,
    instanceName: before.name,
    batch: 1,
    requestKey: null,
    outcome: 'accepted' as const,
    changed: after !== before,
    detail: null,
  };
  await writeDecision(tx, before, { changed: after === before ? [] : [after], faults: [], log: [line] });
  const change = { organizationId: ref.organizationId, subject: ref.id, action: `sandbox.console-${action}` as const };
  await recordSandboxChange(tx, { ...change, before: { state: before.state }, after: { state: after.state } }, command);
  return after === before ? before : { ...after, version: before.version + 1 };
}

function inConsole(instance: SandboxInstance, action: 'start' | 'stop', at: Instant): SandboxInstance {
  const beginning = { at, reason: null, requestKey: null, operation: null, fails: null };
  const reason = 'User.InitiatedShutdown: stopped in the console';
  if (action === 'stop' && instance.state === 'stopping' && instance.next === null) {
    return settle({ ...instance, state: 'stopped', stateReason: reason, stateSince: at }, at);
  }
  if (isUnderWay(instance, action)) return instance;
  const refused = refusalOf(instance, action, true);
  if (refused !== null) throw refused;
  return action === 'start' ? beginStart(instance, beginning) : beginStop(instance, { ...beginning, reason }, false);
}

/** The instance as it is at the command's instant. */
async function lockInstance(
  tx: Transaction,
  { organizationId, id }: { organizationId: string; id: string },
  { at, check }: SandboxCommand,
): Promise<SandboxInstance> {
  const row = await getSandboxInstance(tx, organizationId, id, { lock: true });
  if (row === null) throw notFound('sandbox-instance', id);
  check?.(row.version);
  const now = settle(row, at);
  if (now.state === 'terminated') throw notFound('sandbox-instance', id);
  return now;
}

function newSandboxInstanceId(): string {
  return newId('sandbox-instance');
}

function forLedger(settings: SandboxInstanceSettings): Record<string, unknown> {
  return {
    name: settings.name,
    instance_type: settings.instanceType,
    tags: settings.tags,
    boot_seconds: settings.bootSeconds,
    stop_seconds: settings.stopSeconds,
    scaling_group_id: settings.scalingGroupId,
    spot: settings.spot,
    stop_protection: settings.stopProtection,
    instance_store_root: settings.instanceStoreRoot,
    local_ssd: settings.localSsd,
  };
}
