import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../../db/shared/connection.ts';
import { DomainError } from '../../domain/shared/errors.ts';

const WINDOW_SECONDS = 900;
/** Failed logins for one account in a quarter of an hour, from wherever. */
export const ACCOUNT_ATTEMPTS = 10;
/** Failed logins from one address in a quarter of an hour, for whatever account. */
export const ADDRESS_ATTEMPTS = 100;

export interface LoginLimits {
  /** Counts an attempt before the password is looked at, so that racing ones count too. 429 `identity.too-many-logins`. */
  take(email: string, address: string): Promise<void>;
  /** A login that succeeded gives back what it took: the account starts afresh, the address gets its point back. */
  giveBack(email: string, address: string): Promise<void>;
}

/** Limits kept in the database, so they hold across API processes. */
export function loginLimits(db: Database): LoginLimits {
  const shared = {
    storeClient: db,
    storeType: 'knex',
    tableName: 'login_attempts',
    tableCreated: true,
    clearExpiredByTimeout: false,
    duration: WINDOW_SECONDS,
  };
  const account = new RateLimiterPostgres({ ...shared, keyPrefix: 'account', points: ACCOUNT_ATTEMPTS });
  const address = new RateLimiterPostgres({ ...shared, keyPrefix: 'address', points: ADDRESS_ATTEMPTS });
  return {
    async take(email, from) {
      await consume(address, from);
      await consume(account, accountKey(email));
    },
    async giveBack(email, from) {
      await account.delete(accountKey(email));
      await address.reward(from, 1);
    },
  };
}

/** The table keeps no address book of those who tried. */
function accountKey(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('hex');
}

async function consume(limiter: RateLimiterPostgres, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw new DomainError({
      kind: 'limit-exceeded',
      code: 'identity.too-many-logins',
      message: 'There were too many failed logins; wait a quarter of an hour, or ask a platform administrator for a new password.',
      retryAfterSeconds: Math.max(1, Math.ceil(error.msBeforeNext / 1000)),
      cause: error,
    });
  }
}
