import { randomInt } from 'node:crypto';
import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { mailboxesForLetters } from '../../db/notifications/mail-store.ts';
import { getDeletionCode, lockDeletionCode, putDeletionCode, type DeletionCodeKey } from '../../db/projects/deletion-code-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { newCodeState, refusalOf, refuseTooSoon, wrongCode } from '../../domain/projects/deletion-code.ts';
import { refuseUndeletable, remove, restore } from '../../domain/projects/project-decisions.ts';
import type { Project } from '../../domain/projects/project.ts';
import { SECRET_PLACE } from '../../domain/notifications/mail.ts';
import { unchanged } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { hashPassword, passwordMatches } from '../identity/passwords.ts';
import { writeLetter } from '../notifications/port.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { projectEntity } from './project-entity.ts';

/** A code that people type: six digits, and the hash under which it is kept. Made before the transaction: hashing takes its time on purpose. */
export async function newDeletionCode(): Promise<{ code: string; codeHash: string }> {
  const code = String(randomInt(1_000_000)).padStart(6, '0');
  // So few digits would be guessed from a quick hash.
  return { code, codeHash: await hashPassword(code) };
}

/**
 * Mails somebody the code by which they confirm that a project is to be deleted, in place of their older one. Throws
 * `projects.not-deletable`, `projects.code-too-soon`, `projects.too-many-codes`, and `projects.no-mailbox` where no address of theirs is verified.
 */
export async function requestDeletion(
  tx: Transaction,
  vault: Pick<Vault, 'seal'>,
  ref: EntityRef,
  request: { userId: string; code: string; codeHash: string },
  decision: Decision,
): Promise<{ expiresAt: Instant }> {
  const project = await decide(tx, projectEntity, ref, decision, (one) => {
    refuseUndeletable(one);
    return unchanged(one);
  });
  const key: DeletionCodeKey = { organizationId: ref.organizationId, projectId: ref.id, userId: request.userId };
  const older = await lockDeletionCode(tx, key);
  refuseTooSoon(older, decision.at);
  const mailboxes = await mailboxesForLetters(tx, request.userId);
  if (mailboxes.length === 0) {
    throw new DomainError({ kind: 'conflict', code: 'projects.no-mailbox', message: 'None of your mail addresses is verified: verify one first, the code is mailed there.' });
  }
  const state = newCodeState(older, decision.at);
  await putDeletionCode(tx, { ...key, ...state, codeHash: request.codeHash });
  for (const to of mailboxes) {
    await writeLetter(tx, vault, {
      organizationId: ref.organizationId,
      kind: 'project-deletion',
      key: `${ref.id}/delete-code/${newId('ledger-entry')}`,
      to,
      subject: `Your code for deleting ${project.name} (${project.code})`,
      text: `To delete the project ${project.name} (${project.code}), enter this code within ten minutes:\n\n${SECRET_PLACE}\n\nIf you did not ask for it, somebody else uses your account: change your password.`,
      secret: request.code,
      at: decision.at,
    });
  }
  await record(tx, ref, 'projects.request-deletion', decision);
  return { expiresAt: state.expiresAt };
}

/** A code that somebody tried, beside the one that was mailed when they did. */
export interface TriedCode {
  codeHash: string;
  matches: boolean;
}

/**
 * Compares a code with the one that was mailed, before the transaction: hashing takes its time on purpose, and nothing is held
 * meanwhile. The answer is for `tryDeletionCode` alone, which says whether it may be heard. Null where none can be tried.
 */
export async function compareDeletionCode(db: Database, ref: EntityRef, { userId, code }: { userId: string; code: string }, at: Instant): Promise<TriedCode | null> {
  const known = await getDeletionCode(db, { organizationId: ref.organizationId, projectId: ref.id, userId });
  if (known === null || refusalOf(known, at) !== null) return null;
  return { codeHash: known.codeHash, matches: await passwordMatches(known.codeHash, code) };
}

/**
 * Counts a try, and answers with what it came to: in a transaction of its own that commits also where the answer is a
 * refusal. Answers with the hash of the right code, or with why it is refused: `projects.code-missing`, `projects.code-used`,
 * `projects.code-expired`, `projects.code-exhausted`, `projects.code-wrong`. Of tries that race no more are heard than are left.
 */
export async function tryDeletionCode(tx: Transaction, ref: EntityRef, { userId, tried }: { userId: string; tried: TriedCode | null }, decision: Decision): Promise<{ right: string } | { refusal: DomainError }> {
  const known = await lockDeletionCode(tx, { organizationId: ref.organizationId, projectId: ref.id, userId });
  const refusal = refusalOf(known, decision.at);
  if (known === null || refusal !== null) return { refusal: refusal ?? wrongCode(0) };
  // Another code was mailed meanwhile: this one was not tried.
  if (tried === null || tried.codeHash !== known.codeHash) return { refusal: wrongCode(known.triesLeft) };
  if (tried.matches) return { right: known.codeHash };
  const triesLeft = known.triesLeft - 1;
  await putDeletionCode(tx, { ...known, triesLeft });
  await record(tx, ref, 'projects.wrong-deletion-code', decision);
  return { refusal: wrongCode(triesLeft) };
}

/** Deletes a project with a code that was found right: it enters the buffer. Each code deletes once: `projects.code-used`. */
export async function deleteProject(tx: Transaction, ref: EntityRef, { userId, right }: { userId: string; right: string }, decision: Decision): Promise<Project> {
  const project = await decide(tx, projectEntity, ref, decision, (one, at) => remove(one, at));
  const key: DeletionCodeKey = { organizationId: ref.organizationId, projectId: ref.id, userId };
  const known = await lockDeletionCode(tx, key);
  const refusal = refusalOf(known, decision.at) ?? (known?.codeHash === right ? null : wrongCode(known?.triesLeft ?? 0));
  if (known === null || refusal !== null) throw refusal ?? wrongCode(0);
  await putDeletionCode(tx, { ...known, usedAt: decision.at });
  return project;
}

/** Takes a deletion back. Throws `projects.expired`, `projects.release-begun`, `projects.not-deleted`. */
export async function restoreProject(tx: Transaction, ref: EntityRef, decision: Decision): Promise<Project> {
  return await decide(tx, projectEntity, ref, decision, restore);
}

async function record(tx: Transaction, ref: EntityRef, action: string, { at, by }: Decision): Promise<void> {
  await recordLedgerEntry(tx, { id: newId('ledger-entry'), organizationId: ref.organizationId, at, subject: ref.id, action, by, before: null, after: null });
}
