import { mailEntity } from '../../commands/notifications/mail-entity.ts';
import { cancelMail, recordSending } from '../../commands/notifications/record-sending.ts';
import { advanceEntity, type Decision } from '../../commands/shared/entity-commands.ts';
import { addressOf, getMail, getMailSecret } from '../../db/notifications/mail-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { SECRET_PLACE, type Mail, type SendResult } from '../../domain/notifications/mail.ts';
import type { MailSender } from '../../domain/notifications/ports.ts';
import { DomainError, toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';
import { laterOf, type Clock } from '../../domain/shared/time.ts';
import type { Sealed, Vault } from '../../domain/shared/vault.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { MailActivities, SendMailAct } from '../../workflows/notifications/messages.ts';
import { actingActivity, longAttempt } from '../shared/attempt.ts';

export interface MailActivityDependencies {
  db: Database;
  clock: Clock;
  vault: Pick<Vault, 'open'>;
  mail: MailSender;
}

/** The activity behind the act of a mail; see its interface for what it guarantees. */
export function createMailActivities(deps: MailActivityDependencies): MailActivities {
  return {
    async sendMail(ref, act) {
      const clock: Clock = { now: () => laterOf(act.at, deps.clock.now()) };
      const outcome = await longAttempt(({ signal }) => sendMail({ ...deps, clock }, ref, act, signal));
      const plan = await inTransaction(deps.db, (tx) => advanceEntity(tx, mailEntity, ref, clock.now()));
      return { outcome, plan };
    },
  };
}

async function sendMail({ db, clock, vault, mail: sender }: MailActivityDependencies, ref: EntityRef, act: SendMailAct, signal: AbortSignal): Promise<string> {
  const mail = await getMail(db, ref.organizationId, ref.id);
  if (mail === null || mail.state !== 'pending' || mail.attempts + 1 !== act.attempt) return 'no longer wanted';
  const decision = (): Decision => ({ at: clock.now(), outcomeKey: act.key, by: actingActivity('mail') });
  const to = await addressOf(db, mail);
  if (to === null) {
    await inTransaction(db, (tx) => cancelMail(tx, ref, decision()));
    return 'recipient-gone';
  }
  const { id, messageKey, subject, createdAt: date } = mail;
  const text = wholeText(vault, mail, await getMailSecret(db, id));
  const result: SendResult =
    typeof text === 'string' ? await sender.send({ id, messageKey, to, subject, text, date }, signal) : { kind: 'failed', final: null, error: text };
  await inTransaction(db, (tx) => recordSending(tx, ref, act.attempt, result, decision()));
  return result.kind === 'sent' ? 'sent' : result.error.code;
}

/** The text with its secret, if it has one; or why that cannot be opened here, which is the operator's to put right. */
function wholeText(vault: Pick<Vault, 'open'>, { id, body }: Mail, sealed: Sealed | null): string | ErrorRecord {
  try {
    return sealed === null ? body : body.replaceAll(SECRET_PLACE, () => vault.open(sealed, id));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return toErrorRecord(error);
  }
}
