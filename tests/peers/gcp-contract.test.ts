import { runCloudContract } from '../helpers/cloud-contract.ts';
import { gcpWorld } from '../helpers/peers/gcp/world.ts';

runCloudContract('Google Cloud', gcpWorld, {
  'one-time-spot': 'Google has no spot instance that cannot stop.',
  'instance-store-root': "An instance boots from a persistent disk at Google's.",
  'stop-protection': 'Google protects instances from deletion, never from stopping.',
});
