import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** What the secret of a letter's link is good for, once. */
export type LetterToken =
  | { purpose: 'verify-mailbox'; userId: string; mailboxId: string; createdAt: Instant; expiresAt: Instant }
  | { purpose: 'reset-password'; userId: string; mailboxId: null; createdAt: Instant; expiresAt: Instant };

/** Keeps the digest of a new letter's secret; that of an older letter to the same end is void from here on. */
export async function putLetterToken(tx: Transaction, token: LetterToken, tokenHash: Buffer): Promise<void> {
  const older = token.purpose === 'verify-mailbox' ? { mailbox_id: token.mailboxId } : { user_id: token.userId };
  await tx('letter_tokens').where({ purpose: token.purpose, ...older }).delete();
  await tx('letter_tokens').insert({
    token_hash: tokenHash,
    purpose: token.purpose,
    user_id: token.userId,
    mailbox_id: token.mailboxId,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
  });
}

/** The token with this digest, valid at `at`, or null. Uses nothing up. */
export async function findLetterToken(db: Database | Transaction, purpose: LetterToken['purpose'], tokenHash: Buffer, at: Instant): Promise<LetterToken | null> {
  const row = await db('letter_tokens').where({ token_hash: tokenHash, purpose }).where('expires_at', '>', at).first<Record<string, unknown> | undefined>();
  if (row === undefined) return null;
  return {
    purpose: row.purpose,
    userId: row.user_id,
    mailboxId: row.mailbox_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  } as LetterToken;
}

/** Uses a token up; false when another call did, or a newer letter made it void. */
export async function spendLetterToken(tx: Transaction, tokenHash: Buffer): Promise<boolean> {
  return (await tx('letter_tokens').where('token_hash', tokenHash).delete()) === 1;
}

/** Forgets the open letters for a person's forgotten password. */
export async function voidResets(tx: Transaction, userId: string): Promise<void> {
  await tx('letter_tokens').where({ purpose: 'reset-password', user_id: userId }).delete();
}

/** Forgets the open letters to addresses that were added to an account; that of the address it was made with serves on. */
export async function voidAddedMailboxes(tx: Transaction, userId: string): Promise<void> {
  const added = tx('mailboxes').where({ user_id: userId, is_primary: false }).select('id');
  await tx('letter_tokens').where('purpose', 'verify-mailbox').whereIn('mailbox_id', added).delete();
}

export async function deleteExpiredLetterTokens(db: Database, at: Instant): Promise<number> {
  return await db('letter_tokens').where('expires_at', '<=', at).delete();
}
