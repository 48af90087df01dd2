import type { EntityAct, EntityRef, Performed } from '../messages.ts';

/** Kind of the workflow that delivers one event to one webhook; its id is `webhook-delivery/<delivery id>`. */
export const WEBHOOK_DELIVERY = 'webhook-delivery';

/** Sends the event once and records what came of it. */
export interface DeliverAct extends EntityAct {
  name: 'deliver';
  /** Which attempt it is, from 1. */
  attempt: number;
  /** The plan's instant. What was due then is due for this act, also where a worker's clock is behind Temporal's. */
  at: string;
}

/**
 * The activity behind the act. `deliver` may be repeated: the same attempt is recorded once. A worker
 * killed between the receiver's answer and the record sends it again under the same message id.
 */
export interface WebhookActivities {
  deliver(ref: EntityRef, act: DeliverAct): Promise<Performed<DeliverAct>>;
}
