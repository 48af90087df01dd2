/** An amount in one currency. Amounts of different currencies are never added. */
export interface Money {
  /** Exact decimal text. */
  amount: string;
  /** ISO 4217. */
  currency: string;
}
