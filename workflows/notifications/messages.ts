import type { EntityAct, EntityRef, Performed } from '../messages.ts';

/** Kind of the workflow that sends one mail; its id is `mail/<mail id>`. */
export const MAIL = 'mail';

/** Hands the mail over once and records what came of it. */
export interface SendMailAct extends EntityAct {
  name: 'send-mail';
  /** Which attempt it is, from 1. */
  attempt: number;
  /** The plan's instant. What was due then is due for this act, also where a worker's clock is behind Temporal's. */
  at: string;
}

/**
 * The activity behind the act. `sendMail` may be repeated: the same attempt is recorded once. A worker
 * killed between the server's 250 and the record sends it again under the same Message-ID.
 */
export interface MailActivities {
  sendMail(ref: EntityRef, act: SendMailAct): Promise<Performed<SendMailAct>>;
}
