import type { Money } from '../shared/money.ts';
import { SANDBOX_CURRENCY, SANDBOX_INSTANCE_TYPES, type SandboxInstanceTypeName } from './catalogue.ts';

/** One sandbox: a name that is unique in its organization. */
export interface SandboxAccountKey {
  organizationId: string;
  accountId: string;
}

/** The sandbox that a connection without an account's name means. */
export const DEFAULT_SANDBOX_ACCOUNT = 'sandbox';

export const SANDBOX_ACCOUNT_NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** How a sandbox behaves, beside its faults. */
export interface SandboxAccount {
  /** Grows with each edit; 0 while nobody has changed anything. */
  version: number;
  /** Starts and stops answer with a long-running operation, as Azure's and Google's do. */
  operations: boolean;
  /** A start or stop is refused as a whole when one of its instances is, as AWS does it. */
  refusesWholeBatches: boolean;
  /** Prices an hour in USD that stand in place of the list's, by instance type. */
  prices: Partial<Record<SandboxInstanceTypeName, string>>;
}

export const NEW_SANDBOX_ACCOUNT: SandboxAccount = { version: 0, operations: false, refusesWholeBatches: false, prices: {} };

/** What an hour of this type costs in this sandbox. */
export function hourlyPriceOf(account: Pick<SandboxAccount, 'prices'>, type: SandboxInstanceTypeName): Money {
  return { amount: account.prices[type] ?? SANDBOX_INSTANCE_TYPES[type].hourlyPrice, currency: SANDBOX_CURRENCY };
}
