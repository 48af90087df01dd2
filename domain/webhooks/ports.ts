import type { Instant } from '../shared/time.ts';
import type { Attempt } from './webhook-delivery.ts';

/** Which receivers the configuration allows; says it before anything is sent, as far as the URL alone tells. */
export interface WebhookTargets {
  /** Throws `webhooks.url-refused` for a URL that is not https (or http where allowed), holds a user or a fragment, or names a refused address. */
  requireAllowed(url: string): void;
}

export interface OutgoingMessage {
  url: string;
  /** `webhook-id`. */
  messageId: string;
  payload: string;
  /** `webhook-timestamp`, part of what is signed. */
  at: Instant;
  /** Each signs; the current one first. */
  secrets: readonly string[];
  headers: Readonly<Record<string, string>>;
}

/** Sends signed messages. */
export interface WebhookSender {
  /**
   * One attempt, within 15 s: resolves the host, refuses addresses that are not public (unless the
   * configuration allows them) at the very connection it sends on, follows no redirect, verifies TLS,
   * reads at most 64 KB. Never throws for what the receiver or the network does: that is the attempt's error.
   */
  send(message: OutgoingMessage, signal: AbortSignal): Promise<Attempt>;
}
