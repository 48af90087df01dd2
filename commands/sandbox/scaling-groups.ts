import {
  deleteScalingGroup,
  getScalingGroup,
  GROUP_NAME_ONCE,
  insertScalingGroup,
  saveScalingGroup,
} from '../../db/sandbox/scaling-group-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxScalingGroup } from '../../domain/sandbox/scaling-group.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { newId } from '../shared/new-id.ts';
import { recordSandboxChange, type SandboxCommand } from './shared.ts';

interface GroupRef {
  organizationId: string;
  id: string;
}

/** Makes a group without members. */
export async function createScalingGroup(
  tx: Transaction,
  request: { key: SandboxAccountKey; name: string; replacedAfterSeconds: number },
  command: SandboxCommand,
): Promise<SandboxScalingGroup> {
  const { key, name, replacedAfterSeconds } = request;
  const group: SandboxScalingGroup = { ...key, id: newId('sandbox-scaling-group'), version: 1, name, replacedAfterSeconds, createdAt: command.at };
  await insertScalingGroup(tx, group).catch(refuseSecondName);
  await record(tx, 'sandbox.create-scaling-group', null, group, command);
  return group;
}

export async function editScalingGroup(
  tx: Transaction,
  ref: GroupRef,
  changes: { name?: string | undefined; replacedAfterSeconds?: number | undefined },
  command: SandboxCommand,
): Promise<SandboxScalingGroup> {
  const before = await lockGroup(tx, ref, command);
  const after: SandboxScalingGroup = {
    ...before,
    name: changes.name ?? before.name,
    replacedAfterSeconds: changes.replacedAfterSeconds ?? before.replacedAfterSeconds,
    version: before.version + 1,
  };
  await saveScalingGroup(tx, after).catch(refuseSecondName);
  await record(tx, 'sandbox.edit-scaling-group', before, after, command);
  return after;
}

/** Its members become instances of their own. */
export async function removeScalingGroup(tx: Transaction, ref: GroupRef, command: SandboxCommand): Promise<void> {
  const before = await lockGroup(tx, ref, command);
  await deleteScalingGroup(tx, before);
  await record(tx, 'sandbox.delete-scaling-group', before, null, command);
}

async function lockGroup(tx: Transaction, { organizationId, id }: GroupRef, { check }: SandboxCommand): Promise<SandboxScalingGroup> {
  const group = await getScalingGroup(tx, organizationId, id, { lock: true });
  if (group === null) throw notFound('sandbox-scaling-group', id);
  check?.(group.version);
  return group;
}

function refuseSecondName(error: unknown): never {
  if (violatedConstraint(error) !== GROUP_NAME_ONCE) throw error;
  const problem = 'another scaling group of the sandbox has this name; choose another one';
  throw new DomainError({ kind: 'conflict', code: 'sandbox.name-taken', message: `name: ${problem}`, fields: [{ field: 'name', problem }], cause: error });
}

async function record(
  tx: Transaction,
  action: `sandbox.${string}`,
  before: SandboxScalingGroup | null,
  after: SandboxScalingGroup | null,
  command: SandboxCommand,
): Promise<void> {
  const { organizationId, id } = (after ?? before) as SandboxScalingGroup;
  await recordSandboxChange(tx, { organizationId, subject: id, action, before, after }, command);
}
