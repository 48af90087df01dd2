import { activitiesOn, runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { WEBHOOK_DELIVERY, type DeliverAct, type WebhookActivities } from './messages.ts';

/**
 * Delivers one event to one webhook, attempt by attempt at the instants its row says. Id:
 * webhook-delivery/<id>. Lives until the event is delivered, given up or no longer wanted.
 */
export async function webhookDelivery(ref: EntityRef): Promise<string> {
  // Retries of the receiver are the row's; those here are for a worker or a database that is lost.
  const outbound = activitiesOn<WebhookActivities>('outbound', {
    startToCloseTimeout: '40 s',
    scheduleToCloseTimeout: '10 min',
    heartbeatTimeout: '15 s',
    retry: { initialInterval: '1 s', maximumInterval: '30 s' },
  });
  return await runEntity<DeliverAct>(WEBHOOK_DELIVERY, ref, async (ref, act) => await outbound.deliver.executeWithOptions({ summary: act.summary }, [ref, act]));
}
