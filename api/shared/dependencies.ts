import type { Logger } from 'pino';
import type { Database } from '../../db/shared/connection.ts';
import type { LineItemReader } from '../../domain/billing/ports.ts';
import type { CalendarProvider, CalendarProviderName } from '../../domain/calendar/ports.ts';
import type { CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import type { OidcClient, OidcSignUp } from '../../domain/identity/oidc.ts';
import type { Cloud } from '../../domain/resources/instance.ts';
import type { Clock } from '../../domain/shared/time.ts';
import type { WebhookTargets } from '../../domain/webhooks/ports.ts';
import type { Vault } from '../../domain/shared/vault.ts';

/** What the API is given by whoever starts it. A part that a domain needs from outside is a port here. */
export interface ApiDependencies {
  db: Database;
  clock: Clock;
  vault: Vault;
  log: Logger;
  /** Reads a resource's line items from the stored bills. */
  lineItems: LineItemReader;
  /** Which know the forms of their accounts and credentials. */
  clouds: Readonly<Record<Cloud, Pick<CloudProvider, 'refuseMalformed'>>>;
  /** Which know the forms of their calendars and keys. */
  calendars: Readonly<Record<CalendarProviderName, Pick<CalendarProvider, 'refuseMalformed'>>>;
  /** What may prove that a notification of a calendar is meant for us. */
  calendarChannelSecrets: readonly Uint8Array[];
  /** Which URLs a webhook may have. */
  webhookTargets: WebhookTargets;
  /** Where people log in beside passwords; null: nowhere. */
  oidc: OidcLogin | null;
  config: ApiConfig;
  /** Whether Temporal answers; reported by /readyz, which does not depend on it: people work on while Temporal is down. */
  temporalAnswers?: (() => Promise<boolean>) | undefined;
}

export interface OidcLogin {
  client: OidcClient;
  signUp: OidcSignUp;
}

export interface ApiConfig {
  /** The URL people use, without a trailing slash: the only origin that may write with a session cookie. */
  publicUrl: string;
  /** Absolute directories below which a data source may read a local export. */
  importRoots: string[];
  /** Which proxies may say for whom they forward, in the notation of Express's `trust proxy`. */
  trustedProxies: string;
  /** Compare each answer with its declared schema and fail where they differ. For tests: it costs time. */
  checkAnswers: boolean;
}
