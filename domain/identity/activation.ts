import type { Instant } from '../shared/time.ts';

export const ACTIVATION_STATES = ['not-activated', 'requested', 'passed'] as const;
export type ActivationState = (typeof ACTIVATION_STATES)[number];

/** Where somebody stands with the service: what belongs to projects is theirs to use once it has passed. */
export interface Activation {
  state: ActivationState;
  /** When they asked for it, the first time. */
  requestedAt: Instant | null;
  activatedAt: Instant | null;
}

export const NOT_ACTIVATED: Activation = { state: 'not-activated', requestedAt: null, activatedAt: null };

/** Somebody asks; `ready`: they belong to an organization and have a verified mailbox. Asking again changes nothing. */
export function requested(activation: Activation, ready: boolean, at: Instant): Activation {
  const asked: Activation = activation.state === 'not-activated' ? { state: 'requested', requestedAt: at, activatedAt: null } : activation;
  return ready ? passedIfRequested(asked, at) : asked;
}

/** What was asked for and has become true. Nobody is activated who did not ask. */
export function passedIfRequested(activation: Activation, at: Instant): Activation {
  return activation.state === 'requested' ? { ...activation, state: 'passed', activatedAt: at } : activation;
}
