import type { Transaction } from '../shared/connection.ts';

/** What follows from a booking depends on this of its environment; deleted ones are read too. */
export interface EnvironmentOfBooking {
  id: string;
  key: number;
  name: string;
  resourceId: string | null;
  isBookable: boolean;
  powerOnBefore: boolean;
  powerOffAfter: boolean;
}

/** The environment of a booking, whose lock the caller holds. */
export async function environmentOfBooking(tx: Transaction, organizationId: string, id: string): Promise<EnvironmentOfBooking> {
  const row = await tx('environments').where({ organization_id: organizationId, id }).first<Record<string, unknown>>();
  return {
    id,
    key: row.key as number,
    name: row.name as string,
    resourceId: row.resource_id as string | null,
    isBookable: row.is_active === true && row.deleted_at === null,
    powerOnBefore: row.power_on_before as boolean,
    powerOffAfter: row.power_off_after as boolean,
  };
}
