import test from 'ava';
import { resourceTypeOf } from '../billing/resource-types.ts';
import { INSTANCE_IN_BILLS, tagsInBills } from './discovered-resource.ts';

test('a discovered AWS instance is called what its bill calls it', (t) => {
  t.is(INSTANCE_IN_BILLS.aws.resourceType, resourceTypeOf('i-0123456789abcdef0', INSTANCE_IN_BILLS.aws.serviceName));
});

test('tags of AWS get the keys that its bills have, those of other clouds their own', (t) => {
  const tags = { Team: 'blue', 'aws:autoscaling:groupName': 'web' };
  t.deepEqual(tagsInBills('aws', tags), {
    tags: { aws_autoscaling_group_name: 'web', user_team: 'blue' },
    keys: [
      { sourceKey: 'aws:autoscaling:groupName', normalisedKey: 'aws_autoscaling_group_name' },
      { sourceKey: 'user:Team', normalisedKey: 'user_team' },
    ],
  });
  t.deepEqual(tagsInBills('azure', { 'Cost Center': '7' }).tags, { cost_center: '7' });
});

test('no tag replaces another one, whatever their order', (t) => {
  const one = tagsInBills('gcp', { team: 'a', Team: 'b' });
  t.deepEqual(one.tags, tagsInBills('gcp', { Team: 'b', team: 'a' }).tags);
  t.deepEqual(Object.values(one.tags).sort(), ['a', 'b']);
});
