import { step, unchanged, type Actor, type EntityRow, type Settled } from '../shared/entity.ts';
import type { ErrorRecord } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import type { CalendarWish } from '../calendar/calendar-wish.ts';
import type { Cloud } from '../resources/instance.ts';
import type { AwsConnectionRequest } from './aws-connection.ts';
import type { CloudConnection } from './cloud-ports.ts';
import type { CredentialsKind, DataSourceKind, ImportInterval } from './data-source.ts';

export type CredentialCheckState = 'checking' | 'succeeded' | 'failed' | 'expired';

/** A secret waits this long for its check, then it is purged. */
export const CHECK_LIFETIME_MS = 10 * 60_000;

/** An account and how it is reached: what is verified and completed before it is saved. */
export type RequestedConnection =
  | { cloud: 'aws'; connection: AwsConnectionRequest }
  | { cloud: Exclude<Cloud, 'aws'>; connection: CloudConnection };

/** What a person asked to connect, without the secret. */
export type ConnectWish = RequestedConnection & {
  subject?: undefined;
  name: string;
  credentialsKind: CredentialsKind;
  linkedAccounts: 'all' | 'connected';
  importIntervalMinutes: ImportInterval;
  initialMonths: number;
  discoveryIntervalMinutes: number;
};

/** What a check tries: an account that becomes a data source, or a calendar. */
export type CheckedWish = ConnectWish | CalendarWish;

/** What kind of data source a connection leads to. */
export function kindOf(wish: RequestedConnection): DataSourceKind {
  return wish.cloud === 'aws' ? wish.connection.kind : 'account';
}

/** What identifies the account with its cloud. With AWS the credentials say it all. */
export function connectionOf(wish: RequestedConnection): CloudConnection {
  return wish.cloud === 'aws' ? {} : wish.connection;
}

/** One try of credentials against their cloud or calendar. The row that will use them appears only on success. */
export interface CredentialCheck extends EntityRow {
  /** The data source, or the calendar, that will come of it (connect) or that is changed (update). */
  dataSourceId: string;
  purpose: 'connect' | 'update';
  request: CheckedWish;
  actor: Actor;
  pendingSecretId: string | null;
  operationId: string;
  state: CredentialCheckState;
  error: ErrorRecord | null;
  createdAt: Instant;
}

export function newCredentialCheck(
  check: Omit<CredentialCheck, 'version' | 'lastAt' | 'nextDueAt' | 'state' | 'error' | 'createdAt'>,
  at: Instant,
): CredentialCheck {
  const nextDueAt = plusMilliseconds(at, CHECK_LIFETIME_MS);
  return { ...check, version: 1, lastAt: at, nextDueAt, state: 'checking', error: null, createdAt: at };
}

/** Why a check that nobody finished in time ended. */
export const CHECK_EXPIRED: ErrorRecord = {
  code: 'data-sources.check-expired',
  kind: 'unavailable',
  message: 'The credentials could not be checked within ten minutes and were discarded. Send the request again.',
};

/** Lets a check that nobody finished expire. */
export function settleCheck(check: CredentialCheck, at: Instant): Settled<CredentialCheck> {
  if (check.state !== 'checking' || check.nextDueAt === null || at < check.nextDueAt) return unchanged(check);
  return step(check, end(check, 'expired', CHECK_EXPIRED), 'data-sources.expire-check', check.nextDueAt);
}

export function succeedCheck(check: CredentialCheck): Settled<CredentialCheck> {
  if (check.state !== 'checking') return unchanged(check);
  return step(check, end(check, 'succeeded', null), 'data-sources.check-succeeded');
}

export function failCheck(check: CredentialCheck, error: ErrorRecord): Settled<CredentialCheck> {
  if (check.state !== 'checking') return unchanged(check);
  return step(check, end(check, 'failed', error), 'data-sources.check-failed');
}

/** An ended check keeps no secret. */
function end(check: CredentialCheck, state: CredentialCheckState, error: ErrorRecord | null): CredentialCheck {
  return { ...check, state, error, pendingSecretId: null, nextDueAt: null };
}
