import type { InstanceViewStatus } from '@azure/arm-compute';
import test from 'ava';
import type { InstanceState } from '../../domain/resources/instance.ts';
import { stateOf } from './states.ts';

const succeeded: InstanceViewStatus = { code: 'ProvisioningState/succeeded', level: 'Info' };

const states: [string, InstanceState][] = [
  ['starting', 'starting'],
  ['running', 'running'],
  ['stopping', 'stopping'],
  ['stopped', 'stopped-billed'],
  ['deallocating', 'stopping'],
  ['deallocated', 'stopped'],
  ['unknown', 'unknown'],
  ['of-a-new-kind', 'unknown'],
];

for (const [power, state] of states) {
  test(`PowerState/${power} is ${state}`, (t) => {
    t.deepEqual(stateOf({ statuses: [succeeded, { code: `PowerState/${power}` }] }), { state, stateReason: null });
  });
}

test('a failed start is told with its code and sentence beside the state it fell back to', (t) => {
  const failed: InstanceViewStatus = {
    code: 'ProvisioningState/failed/AllocationFailed',
    level: 'Error',
    message: 'Allocation failed. Read more at http://aka.ms/allocation-guidance',
  };
  t.deepEqual(stateOf({ statuses: [failed, { code: 'PowerState/deallocated' }] }), {
    state: 'stopped',
    stateReason: 'AllocationFailed: Allocation failed. Read more at (URL)',
  });
});

test('a hibernated machine is stopped, and says that it is hibernated', (t) => {
  const statuses = [succeeded, { code: 'PowerState/deallocated' }, { code: 'HibernationState/Hibernated' }];
  t.deepEqual(stateOf({ statuses }), { state: 'stopped', stateReason: 'HibernationState/Hibernated' });
});

test('a machine that is being deleted is on its way out though it runs still, one being made on its way in', (t) => {
  t.is(stateOf({ statuses: [{ code: 'ProvisioningState/deleting' }, { code: 'PowerState/running' }] })?.state, 'stopping');
  t.is(stateOf({ statuses: [{ code: 'ProvisioningState/creating' }] })?.state, 'starting');
});

test('without a power state nothing is claimed', (t) => {
  t.is(stateOf({ statuses: [succeeded] }), null);
  t.is(stateOf({}), null);
  t.is(stateOf(undefined), null);
});
