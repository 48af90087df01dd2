import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../../db/shared/connection.ts';
import { DomainError } from '../../domain/shared/errors.ts';

const WINDOW_SECONDS = 60;
/** Wrong addresses from one network address in a minute. */
export const WRONG_LINKS = 30;
/** Reports to one environment in a minute. */
export const REPORTS = 120;

/** Limits of what nobody logs in for. Kept in the database, so they hold across API processes. */
export interface LinkLimits {
  /** Refuses an address that asked for too many links that do not exist. */
  refuseGuessers(address: string): Promise<void>;
  /** Counts a link that does not exist. */
  countWrong(address: string): Promise<void>;
  /** Counts a report to an environment, and refuses one too many. */
  countReport(environmentId: string): Promise<void>;
}

/** Limits over a table of `request_limits`. */
export function linkLimits(db: Database): LinkLimits {
  const shared = {
    storeClient: db,
    storeType: 'knex',
    tableName: 'request_limits',
    tableCreated: true,
    clearExpiredByTimeout: false,
    duration: WINDOW_SECONDS,
  };
  const wrong = new RateLimiterPostgres({ ...shared, keyPrefix: 'wrong-link', points: WRONG_LINKS });
  const reports = new RateLimiterPostgres({ ...shared, keyPrefix: 'report', points: REPORTS });
  return {
    async refuseGuessers(address) {
      const counted = await wrong.get(address);
      if (counted !== null && counted.consumedPoints >= WRONG_LINKS) throw tooMany(counted);
    },
    async countWrong(address) {
      await wrong.penalty(address, 1);
    },
    async countReport(environmentId) {
      try {
        await reports.consume(environmentId);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        throw tooMany(error);
      }
    },
  };
}

function tooMany({ msBeforeNext }: RateLimiterRes): DomainError {
  return new DomainError({
    kind: 'limit-exceeded',
    code: 'request.too-many',
    message: 'There were too many of these calls within a minute. Wait and call again.',
    retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  });
}
