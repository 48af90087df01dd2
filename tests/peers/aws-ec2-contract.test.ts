import { runCloudContract } from '../helpers/cloud-contract.ts';
import { startEc2World } from '../helpers/peers/aws/ec2-world.ts';

runCloudContract('EC2 (moto)', startEc2World, {
  'retry-after': 'EC2 throttles with RequestLimitExceeded and tells no time to wait; see the documented replies in ec2-errors.test.ts.',
});
