import test from 'ava';
import { request } from 'node:https';
import { once } from 'node:events';
import { matchRequest, OPERATIONS, routes, undeclared } from '../helpers/peers/azure/arm-model.ts';
import { createMachines, wireOf, type MachineOptions } from '../helpers/peers/azure/machines.ts';
import { startAzureStandIn } from '../helpers/peers/azure/stand-in.ts';

const VERSION = routes[0]?.apiVersion ?? '';
const MACHINE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm';

function at(path: string): URL {
  return new URL(path, 'https://arm');
}

test('every operation has the path and version that the SDK sends', (t) => {
  t.deepEqual(routes.map(({ operation }) => operation), [...OPERATIONS]);
  for (const { apiVersion } of routes) t.regex(apiVersion, /^20\d\d-\d\d-\d\d$/);
  const found = matchRequest('POST', at(`${MACHINE}/start?api-version=${VERSION}`));
  t.like(found, { operation: 'start', subscription: 's', group: 'g', machine: 'vm' });
});

for (const [what, method, path] of [
  ['path', 'POST', `${MACHINE}/begin?api-version=${VERSION}`],
  ['method', 'GET', `${MACHINE}/start?api-version=${VERSION}`],
  ['api-version', 'POST', `${MACHINE}/start?api-version=2019-12-01`],
  ['missing api-version', 'POST', `${MACHINE}/start`],
  ['parameter', 'POST', `${MACHINE}/start?api-version=${VERSION}&force=true`],
] as const) {
  test(`a request that the SDK does not send is not taken: ${what}`, (t) => {
    t.throws(() => matchRequest(method, at(path)));
  });
}

test('a member that the SDK does not declare is found wherever it lies', async (t) => {
  const machine = { id: 'i', name: 'n', location: 'l', properties: { hardwareProfile: { vmSize: 's', cores: 2 }, powerState: 'on' } };
  t.deepEqual(await undeclared('get', 200, machine), [
    'body.properties.hardwareProfile.cores is not read by the SDK',
    'body.properties.powerState is not read by the SDK',
  ]);
  t.deepEqual(await undeclared('listAll', 200, { value: [{ size: 's' }], next: 'x' }), [
    'body.value[0].size is not read by the SDK',
    'body.next is not read by the SDK',
  ]);
  t.deepEqual(await undeclared('start', 409, { error: { code: 'Conflict', reason: 'r' } }), ['body.error.reason is not read by the SDK']);
});

test('a value that is in none of the SDK\'s enumerations is found', async (t) => {
  t.deepEqual(await undeclared('get', 200, { properties: { priority: 'Cheap' } }), ['body.properties.priority is Cheap, which the SDK does not know']);
});

const FORMS: Partial<MachineOptions>[] = [
  {},
  { zone: '1', tags: { Team: 'web' }, size: 'Standard_L8s_v3' },
  { spotEviction: 'Delete', scaleSet: 'workers', hasEphemeralDisk: true },
  { spotEviction: 'Deallocate', power: 'stopped' },
];

test('every form of a machine is made of what the SDK declares', async (t) => {
  const machines = createMachines('s', { now: () => 0, operationMs: 1_000 });
  for (const [index, form] of FORMS.entries()) {
    const machine = machines.make({ name: `vm-${index}`, resourceGroup: 'g', power: 'deallocated', ...form });
    const looks = (): object[] => [
      wireOf(machine, { model: true, state: true }),
      wireOf(machine, { model: false, state: true }),
      wireOf(machine, { model: true, state: false }),
    ];
    const shown = looks();
    machines.begin(machine, 'start', { kind: 'fails', code: 'AllocationFailed', message: 'm' });
    shown.push(...looks());
    machine.changing = null;
    machine.lastError = { code: 'AllocationFailed', message: 'm' };
    shown.push(...looks());
    for (const one of shown) t.deepEqual(await undeclared('get', 200, JSON.parse(JSON.stringify(one))), []);
  }
});

test('a stand-in that was asked for what the SDK does not send fails when it is stopped', async (t) => {
  const azure = await startAzureStandIn();
  const wrong = request(`${azure.url}${MACHINE}?api-version=2019-12-01`, { ca: azure.authority });
  wrong.end();
  await t.throwsAsync(once(wrong, 'response'));
  const failure = await t.throwsAsync(azure.stop(), { instanceOf: AggregateError });
  t.regex(String(failure.errors[0]), /api-version/);
});
