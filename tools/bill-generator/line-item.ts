import type { CalendarDate, Month } from '../../domain/shared/time.ts';
import type { Chargeable } from './catalogue.ts';
import type { Units } from './units.ts';

/** One billing period of a bill. Texts are `YYYY-MM-DDTHH:mm:ssZ`. */
export interface BillMonth {
  index: number;
  month: Month;
  startText: string;
  endText: string;
  /** Blank until the month is final. */
  invoiceId: string;
}

export interface ReservationPart {
  arn: string;
  effective: Units | null;
  upfrontForUsage: Units | null;
  recurringForUsage: Units | null;
  unusedUpfront: Units | null;
  unusedRecurring: Units | null;
  upfrontForPeriod: Units | null;
}

export interface SavingsPlanPart {
  arn: string;
  offering: string;
  effective: Units | null;
  totalCommitment: Units | null;
  usedCommitment: Units | null;
  upfrontForPeriod: Units | null;
  recurringForPeriod: Units | null;
}

/** One row of a bill, independent of the dialect that writes it. */
export interface LineItem {
  month: BillMonth;
  /** Which of the month's files holds it, from 0. */
  file: number;
  id: string;
  type: string;
  day: CalendarDate;
  startText: string;
  endText: string;
  of: Chargeable;
  usageType: string;
  operation: string;
  unit: string;
  family: string;
  description: string;
  usage: Units;
  rate: string;
  unblended: Units;
  /** Null where AWS gives none: spot, marketplace, fees. */
  publicCost: Units | null;
  taxType: string;
  reservation: ReservationPart | null;
  savingsPlan: SavingsPlanPart | null;
}

export const NO_RESERVATION: Omit<ReservationPart, 'arn'> = {
  effective: null, upfrontForUsage: null, recurringForUsage: null, unusedUpfront: null, unusedRecurring: null, upfrontForPeriod: null,
};

export const NO_SAVINGS_PLAN: Omit<SavingsPlanPart, 'arn' | 'offering'> = {
  effective: null, totalCommitment: null, usedCommitment: null, upfrontForPeriod: null, recurringForPeriod: null,
};
