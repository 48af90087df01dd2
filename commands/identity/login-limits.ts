import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../../db/shared/connection.ts';
import { countedAs } from '../../domain/identity/session.ts';
import { DomainError } from '../../domain/shared/errors.ts';

const WINDOW_SECONDS = 900;
const HOUR_SECONDS = 3_600;
/** Failed logins for one account in a quarter of an hour, from wherever it is not known. */
export const ACCOUNT_ATTEMPTS = 10;
/** Failed logins for one account in a quarter of an hour, from one browser that it is known from. */
export const DEVICE_ATTEMPTS = 10;
/** Failed logins from one address (an IPv6 network) in a quarter of an hour, for whatever account. */
export const ADDRESS_ATTEMPTS = 100;
/** Letters that somebody asks for to one mailbox in an hour, whoever asks. */
export const LETTERS_TO_ONE = 5;
/** Letters that one asker has sent in an hour: a person, an organization, or a network address of a stranger. */
export const LETTERS_OF_ONE = 30;

/** Who tries: an account by its address, from a network address, and by a browser that the account is known from. */
export interface LoginAttempt {
  email: string;
  address: string;
  /** Digest of the browser's secret; null where the account is not known from it. */
  device: Buffer | null;
}

export interface LoginLimits {
  /** Counts an attempt before the password is looked at, so that racing ones count too. 429 `identity.too-many-logins`. */
  take(attempt: LoginAttempt): Promise<void>;
  /** A login that succeeded gives back what it took: the account starts afresh, the address gets its point back. */
  giveBack(attempt: LoginAttempt): Promise<void>;
}

/**
 * Limits kept in the database, so they hold across API processes. A browser that an account is known from counts for
 * itself: whoever hammers an account from elsewhere does not lock its owner out there (OWASP, "device cookies").
 */
export function loginLimits(db: Database): LoginLimits {
  const account = limiter(db, 'account', ACCOUNT_ATTEMPTS, WINDOW_SECONDS);
  const device = limiter(db, 'device', DEVICE_ATTEMPTS, WINDOW_SECONDS);
  const address = limiter(db, 'address', ADDRESS_ATTEMPTS, WINDOW_SECONDS);
  return {
    async take(attempt) {
      if (attempt.device !== null) return await consume(device, attempt.device.toString('hex'), tooManyLogins);
      await consume(address, countedAs(attempt.address), tooManyLogins);
      await consume(account, digestOf(attempt.email), tooManyLogins);
    },
    async giveBack(attempt) {
      await account.delete(digestOf(attempt.email));
      if (attempt.device === null) await address.reward(countedAs(attempt.address), 1);
      else await device.delete(attempt.device.toString('hex'));
    },
  };
}

export interface LetterLimits {
  /** Counts a letter that somebody asked for. 429 `identity.too-many-letters`. */
  take(asker: string, to: string): Promise<void>;
  /** Counts what a stranger asks for: refused by their own limit alone. Whether the mailbox has room for one more is the answer. */
  takeQuietly(asker: string, to: string): Promise<boolean>;
}

/** So that nobody's mailbox is flooded by way of this platform. */
export function letterLimits(db: Database): LetterLimits {
  const reader = limiter(db, 'letters-to', LETTERS_TO_ONE, HOUR_SECONDS);
  const asking = limiter(db, 'letters-of', LETTERS_OF_ONE, HOUR_SECONDS);
  return {
    async take(asker, to) {
      await consume(asking, asker, tooManyLetters);
      await consume(reader, digestOf(to), tooManyLetters);
    },
    async takeQuietly(asker, to) {
      await consume(asking, asker, tooManyLetters);
      try {
        await reader.consume(digestOf(to));
        return true;
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        return false;
      }
    },
  };
}

function limiter(db: Database, keyPrefix: string, points: number, duration: number): RateLimiterPostgres {
  const shared = { storeClient: db, storeType: 'knex', tableName: 'login_attempts', tableCreated: true, clearExpiredByTimeout: false };
  return new RateLimiterPostgres({ ...shared, keyPrefix, points, duration });
}

/** The table keeps no address book of those who tried. */
function digestOf(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('hex');
}

async function consume(limits: RateLimiterPostgres, key: string, refusal: (waitSeconds: number, cause: unknown) => DomainError): Promise<void> {
  try {
    await limits.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw refusal(Math.max(1, Math.ceil(error.msBeforeNext / 1000)), error);
  }
}

function tooManyLogins(retryAfterSeconds: number, cause: unknown): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'identity.too-many-logins',
    message: 'There were too many failed logins; wait a quarter of an hour, or have a letter for a new password sent to you.',
    retryAfterSeconds,
    cause,
  });
}

function tooManyLetters(retryAfterSeconds: number, cause: unknown): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'identity.too-many-letters',
    message: 'There were too many letters within an hour; look into the mailbox (and its junk folder), or try again later.',
    retryAfterSeconds,
    cause,
  });
}
