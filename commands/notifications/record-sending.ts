import type { Transaction } from '../../db/shared/connection.ts';
import { afterSending, withoutRecipient, type SendResult } from '../../domain/notifications/mail.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { mailEntity } from './mail-entity.ts';

/** Records what attempt `number` to send a mail came to. The same attempt is recorded once. */
export async function recordSending(tx: Transaction, ref: EntityRef, number: number, result: SendResult, decision: Decision): Promise<void> {
  await decide(tx, mailEntity, ref, decision, (mail, at) => afterSending(mail, number, result, at));
}

/** Ends a mail whose recipient's account was disabled, or whose mailbox was removed, meanwhile. */
export async function cancelMail(tx: Transaction, ref: EntityRef, decision: Decision): Promise<void> {
  await decide(tx, mailEntity, ref, decision, (mail, at) => withoutRecipient(mail, at));
}
