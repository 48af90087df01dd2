import type { CalendarDate, Instant } from '../shared/time.ts';

/** A tag of a resource. */
export interface ResourceTag {
  /** The key in the form all exports share: `user_team`. */
  key: string;
  /** The key as bills write it, `user:Team`; empty when no imported bill tells. More than one if they differ. */
  sourceKeys: string[];
  value: string;
}

/** What the newest bill says of a cloud resource, or of a named line that gathers charges without one. */
export interface Resource {
  id: string;
  organizationId: string;
  cloud: string;
  accountId: string;
  /** The cloud's own id, whole: an ARN, or `i-…`; `line:…` for named lines. */
  nativeId: string;
  isNamedLine: boolean;
  name: string;
  type: string;
  serviceName: string;
  regionId: string;
  tags: ResourceTag[];
  firstSeen: Instant;
  lastSeen: Instant;
  /** The bills it is on, newest month first. */
  bills: { billingPeriod: CalendarDate; dataSourceId: string }[];
}

/** A cost in one currency, exact decimal text. */
export interface CurrencyCost {
  currency: string;
  cost: string;
}

/** What a resource costs on one day. */
export interface DailyCost extends CurrencyCost {
  date: CalendarDate;
}
