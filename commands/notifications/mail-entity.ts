import { insertMails, lockMail, saveMail } from '../../db/notifications/mail-store.ts';
import type { Mail } from '../../domain/notifications/mail.ts';
import { unchanged } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { MAIL, type SendMailAct } from '../../workflows/notifications/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';

/** The mail as an entity: see domain/notifications/mail.ts for its rules. */
export const mailEntity: EntityDefinition<Mail, SendMailAct> = {
  kind: MAIL,
  workflowType: 'mail',
  yields: true,
  table: 'mails',
  openCondition: `state = 'pending'`,
  lock: lockMail,
  insert: async (tx, mail) => {
    await insertMails(tx, [mail]);
  },
  save: (tx, _before, after) => saveMail(tx, after),
  settle: unchanged,
  acts,
  isDone: (mail) => mail.state !== 'pending',
  describe,
  status: (mail) => mail.outcome ?? mail.state,
  // Neither text nor subject: they name people, and the ledger keeps for ever.
  forLedger: ({ id, userId, mailboxId, kind, messageKey, state, outcome, attempts, lastError, createdAt, endedAt }) => ({
    id,
    user_id: userId,
    mailbox_id: mailboxId,
    kind,
    message_key: messageKey,
    state,
    outcome,
    attempts,
    last_error: lastError?.code ?? null,
    created_at: createdAt,
    ended_at: endedAt,
  }),
};

function acts({ id, state, attempts, nextDueAt }: Mail, at: Instant): SendMailAct[] {
  if (state !== 'pending' || nextDueAt === null || nextDueAt > at) return [];
  const attempt = attempts + 1;
  return [{ name: 'send-mail', key: `${id}/send-mail/${attempt}`, summary: `attempt ${attempt}`, attempt, at }];
}

function describe({ kind, state, outcome, attempts, lastError, nextDueAt }: Mail): string {
  const tried = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return [
    `**Mail** (${kind}): ${outcome ?? state}, ${tried}`,
    ...(lastError === null ? [] : [`Last error: ${lastError.code}`]),
    ...(nextDueAt === null ? [] : [`Next attempt at ${nextDueAt}`]),
  ].join('\n\n');
}
