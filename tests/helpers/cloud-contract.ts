import test from 'ava';
import { testConnecting, testDiscovery, testRecordedPermissions } from './cloud-contract/account-tests.ts';
import { testFaults } from './cloud-contract/fault-tests.ts';
import { testBatches, testPower, testRefusals } from './cloud-contract/power-tests.ts';
import type { OpenWorld } from './cloud-contract/steps.ts';
import type { ContractFeature, ContractWorld } from './cloud-contract/world.ts';

export type { ContractFeature, ContractInstanceKind, ContractOutcome, ContractWorld, MakeInstance } from './cloud-contract/world.ts';

/**
 * What every cloud's adapter promises, as ava tests in the calling file: one suite for the sandbox,
 * moto and the stand-ins. `lacks` states, with the reason, what the peer cannot show. One world
 * serves all tests of the file, in order; each makes instances of its own.
 */
export function runCloudContract(
  title: string,
  makeWorld: () => Promise<ContractWorld>,
  lacks: Partial<Record<ContractFeature, string>> = {},
): void {
  let world: ContractWorld | undefined;
  test.before(async () => {
    world = await makeWorld();
  });
  test.after.always(async () => {
    await world?.end();
  });
  const open: OpenWorld = {
    title,
    shows: (feature) => lacks[feature] === undefined,
    world: () => {
      if (world === undefined) throw new Error('The world could not be made.');
      return world;
    },
  };
  testConnecting(open);
  testDiscovery(open);
  testPower(open);
  testBatches(open);
  testRefusals(open);
  testFaults(open);
  // Last: it judges the calls of all tests before it.
  testRecordedPermissions(open);
}
