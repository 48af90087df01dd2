import { runCloudContract } from '../helpers/cloud-contract.ts';
import { makeAzureWorld } from '../helpers/peers/azure/azure-world.ts';

runCloudContract('azure', makeAzureWorld, {
  'several-scopes': 'Azure lists a subscription in one go.',
  'one-time-spot': 'A spot machine of Azure can be deallocated and started again, whatever its eviction policy.',
});
