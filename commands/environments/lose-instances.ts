import { environmentsOfDataSource, forgetInstancesOfDeleted } from '../../db/environments/environment-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { loseInstance } from '../../domain/environments/environment.ts';
import { decideOnEnvironment, type EnvironmentDecision } from './decide-on-environment.ts';

/**
 * Lets environments stand without the instances of a data source that is being deleted, in the
 * caller's transaction: they and their bookings stay, as of environments made by hand. To be called
 * before the instances are locked. Repeating it changes nothing.
 */
export async function loseInstancesOf(
  tx: Transaction,
  { organizationId, dataSourceId }: { organizationId: string; dataSourceId: string },
  { at, by }: EnvironmentDecision,
): Promise<void> {
  for (const id of await environmentsOfDataSource(tx, organizationId, dataSourceId)) {
    await decideOnEnvironment(tx, { organizationId, id }, { at, by }, loseInstance);
  }
  await forgetInstancesOfDeleted(tx, organizationId, dataSourceId);
}
