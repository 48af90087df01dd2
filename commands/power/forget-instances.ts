import type { Transaction } from '../../db/shared/connection.ts';

/**
 * Withdraws everything that is wanted of instances which leave the organization with their data
 * source, in the caller's transaction: claims, wanted states, places in schedules. Runs keep their
 * items, which then end by themselves. Repeating it changes nothing.
 */
export async function forgetInstances(tx: Transaction, organizationId: string, resourceIds: readonly string[]): Promise<void> {
  for (const table of ['power_claims', 'power_states', 'power_schedule_members']) {
    await tx(table)
      .where('organization_id', organizationId)
      .whereRaw('resource_id = any(?)', [resourceIds as string[]])
      .delete();
  }
}
