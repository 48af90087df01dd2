import { activitiesOn, runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { MAIL, type MailActivities, type SendMailAct } from './messages.ts';

/** Sends one mail, attempt by attempt at the instants its row says. Id: mail/<id>. Lives until it is sent or never will be. */
export async function mail(ref: EntityRef): Promise<string> {
  // Retries of the mail server are the row's; those here are for a worker or a database that is lost.
  const outbound = activitiesOn<MailActivities>('outbound', {
    startToCloseTimeout: '90 s',
    scheduleToCloseTimeout: '15 min',
    heartbeatTimeout: '15 s',
    retry: { initialInterval: '1 s', maximumInterval: '30 s' },
  });
  return await runEntity<SendMailAct>(MAIL, ref, async (ref, act) => await outbound.sendMail.executeWithOptions({ summary: act.summary }, [ref, act]));
}
