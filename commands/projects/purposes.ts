import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { countProjectsOf, deletePurpose as deleteRow, insertPurpose, lockPurpose, savePurpose } from '../../db/projects/purpose-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { editPurpose as edit, plainLimits, type ProjectPurpose, type PurposeEdit, type PurposeWish } from '../../domain/projects/purpose.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { laterOf } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/** Defines a purpose. Throws `purposes.name-taken`. */
export async function createPurpose(tx: Transaction, organizationId: string, wish: PurposeWish, { at, by }: Decision): Promise<ProjectPurpose> {
  const purpose: ProjectPurpose = { ...plainLimits(wish), id: newId('project-purpose'), organizationId, version: 1, createdAt: at, lastAt: at };
  await insertPurpose(tx, purpose).catch(refuseTakenName);
  await record(tx, 'purposes.create', null, purpose, { at, by });
  return purpose;
}

/** Changes a purpose, or takes it out of use. Projects that have it keep what they were granted; later applications meet the new limits. */
export async function editPurpose(tx: Transaction, ref: EntityRef, changes: PurposeEdit, decision: Decision): Promise<ProjectPurpose> {
  const purpose = await lock(tx, ref, decision);
  const edited = edit(purpose, changes);
  if (edited === purpose) return purpose;
  const at = laterOf(decision.at, purpose.lastAt);
  const after = { ...edited, version: purpose.version + 1, lastAt: at };
  await savePurpose(tx, after).catch(refuseTakenName);
  await record(tx, 'purposes.edit', purpose, after, { at, by: decision.by });
  return after;
}

/** Deletes a purpose that no project has ever had; one that is in use is refused as `purposes.in-use`. */
export async function deletePurpose(tx: Transaction, ref: EntityRef, decision: Decision): Promise<void> {
  const purpose = await lock(tx, ref, decision);
  const projects = await countProjectsOf(tx, purpose);
  if (projects > 0) {
    throw new DomainError({
      kind: 'conflict',
      code: 'purposes.in-use',
      message: `${projects} ${projects === 1 ? 'project has' : 'projects have'} the purpose ${purpose.name}, which says what they may have. Deactivate it instead: then nobody applies with it any more.`,
      details: { id: purpose.id, projects },
    });
  }
  await deleteRow(tx, purpose);
  await record(tx, 'purposes.delete', purpose, null, decision);
}

async function lock(tx: Transaction, { organizationId, id }: EntityRef, { check }: Decision): Promise<ProjectPurpose> {
  const purpose = await lockPurpose(tx, organizationId, id);
  if (purpose === null) throw notFound('project-purpose', id);
  check?.(purpose.version);
  return purpose;
}

function refuseTakenName(error: unknown): never {
  if (violatedConstraint(error) !== 'project_purposes_name_once') throw error;
  throw new DomainError({
    kind: 'conflict',
    code: 'purposes.name-taken',
    message: 'Another purpose of the organization has this name. Choose another name.',
    fields: [{ field: 'name', problem: 'is taken by another purpose of the organization' }],
  });
}

async function record(tx: Transaction, action: string, before: ProjectPurpose | null, after: ProjectPurpose | null, { at, by }: Pick<Decision, 'at' | 'by'>): Promise<void> {
  const { id, organizationId } = (after ?? before) as ProjectPurpose;
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId, at, subject: id, action, by, before, after });
}
