import test from 'ava';
import type { CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import { azurePermissionText } from '../../domain/data-sources/azure-permissions.ts';
import type { CloudAccount, PowerCall } from '../../domain/data-sources/cloud-ports.ts';
import { azureSettings, credentialsOf, refTo } from '../../tests/helpers/peers/azure/azure-world.ts';
import type { Fault } from '../../tests/helpers/peers/azure/machines.ts';
import { startAzureStandIn, type AzureStandIn } from '../../tests/helpers/peers/azure/stand-in.ts';
import { createAzureProvider } from './provider.ts';

const never = new AbortController().signal;

let azure: AzureStandIn;
let account: CloudAccount;

test.before(async () => {
  azure = await startAzureStandIn();
  const credentials = credentialsOf(azure, azure.entra.makeApplication(azurePermissionText(null).document.Actions));
  const connection = { account: azure.subscription.id };
  account = createAzureProvider(azureSettings(azure)).open({ organizationId: 'org', dataSourceId: 'ds', accountId: azure.subscription.id, connection, credentials });
});

test.after.always(() => azure?.stop());

let made = 0;

/** A start that meets a fault. */
async function startMeeting(fault: Fault): Promise<{ answer: PowerCall; nativeId: string; follow: () => ReturnType<CloudAccount['power']['followOperation']> }> {
  made += 1;
  const ref = refTo(azure, { name: `vm-${made}`, resourceGroup: 'rg', power: 'deallocated' });
  azure.arrange(ref.nativeId, 'start', fault);
  const answer = (await account.power.start([ref], `wish-${made}`, never)).get(ref.nativeId) as PowerCall;
  return { answer, nativeId: ref.nativeId, follow: () => account.power.followOperation(ref, (answer.accepted && answer.operation) || '', never) };
}

// Sentences as Azure's documentation and its users' reports have them.
const refusals: { status: number; code: string; message: string; problem: CloudProblem }[] = [
  { status: 409, code: 'OperationNotAllowed', message: 'Operation could not be completed as it results in exceeding approved standardNDSFamily Cores quota.', problem: 'quota-exceeded' },
  { status: 409, code: 'OperationNotAllowed', message: "Operation 'start' is not allowed on VM 'vm' since the VM is either being deleted/deallocated.", problem: 'wrong-state' },
  { status: 409, code: 'OperationNotAllowed', message: 'Operation deallocate is not supported for VMs with ephemeral OS disk.', problem: 'cannot-stop' },
  { status: 429, code: 'OperationNotAllowed', message: 'The server rejected the request because too many requests have been received for this subscription.', problem: 'throttled' },
  { status: 429, code: 'RetryableErrorDueToAnotherOperation', message: 'Another operation on this or dependent resource is in progress.', problem: 'wrong-state' },
  { status: 409, code: 'Conflict', message: 'The request failed due to conflict with a concurrent request.', problem: 'wrong-state' },
  { status: 409, code: 'SkuNotAvailable', message: 'The requested size is currently not available in location westeurope.', problem: 'no-capacity' },
  { status: 409, code: 'OverconstrainedAllocationRequest', message: 'The condition is too restrictive.', problem: 'no-capacity' },
  { status: 403, code: 'QuotaExceeded', message: 'The quota is exceeded.', problem: 'quota-exceeded' },
  { status: 409, code: 'ScopeLocked', message: 'The scope cannot perform write operation.', problem: 'cannot-stop' },
  { status: 409, code: 'MissingSubscriptionRegistration', message: "The subscription is not registered to use namespace 'Microsoft.Compute'.", problem: 'account-disabled' },
  { status: 401, code: 'InvalidAuthenticationTokenTenant', message: 'The access token is from the wrong issuer.', problem: 'bad-credentials' },
  { status: 404, code: 'ResourceGroupNotFound', message: "Resource group 'rg' could not be found.", problem: 'not-found' },
  { status: 400, code: 'InvalidParameter', message: 'Required parameter is missing.', problem: 'rejected' },
  { status: 409, code: 'SomethingNew', message: 'A conflict of a new kind.', problem: 'wrong-state' },
  { status: 500, code: 'InternalServerError', message: 'Encountered internal server error.', problem: 'unavailable' },
];

for (const { status, code, message, problem } of refusals) {
  test.serial(`${status} ${code} is ${problem}: ${message}`, async (t) => {
    const { answer, nativeId } = await startMeeting({ kind: 'refused', refusal: { status, code, message, headers: { 'retry-after': '9' } } });
    if (answer.accepted) throw new Error('it was accepted');
    t.is(problemOf(answer.error), problem);
    t.like(answer.error.details, { call: 'Microsoft.Compute/virtualMachines/start/action', resource: nativeId, cloud_code: code, http_status: status });
    t.regex(String(answer.error.details.request_id), /^[0-9a-f-]{36}$/);
    t.is(answer.error.retryAfterSeconds, problem === 'throttled' ? 9 : undefined);
  });
}

const failures: { code: string; message: string; problem: CloudProblem }[] = [
  { code: 'AllocationFailed', message: 'Allocation failed. We do not have sufficient capacity for the requested VM size in this region.', problem: 'no-capacity' },
  { code: 'ZonalAllocationFailed', message: 'Allocation failed in this zone.', problem: 'no-capacity' },
  { code: 'OverconstrainedZonalAllocationRequest', message: 'Allocation failed.', problem: 'no-capacity' },
  { code: 'OperationNotAllowed', message: 'Exceeding approved Low Priority Cores quota.', problem: 'quota-exceeded' },
  { code: 'OperationPreempted', message: 'Operation execution has been preempted by a more recent operation.', problem: 'wrong-state' },
  { code: 'VMStartTimedOut', message: 'VM did not start in the allotted time.', problem: 'unavailable' },
  { code: 'InternalExecutionError', message: 'An internal execution error occurred.', problem: 'unavailable' },
];

for (const { code, message, problem } of failures) {
  test.serial(`an operation that fails by ${code} is ${problem}`, async (t) => {
    const { answer, nativeId, follow } = await startMeeting({ kind: 'fails', code, message });
    t.true(answer.accepted);
    const state = await follow();
    if (!state.done || state.error === null) throw new Error('it did not fail');
    t.is(problemOf(state.error), problem);
    t.like(state.error.details, { call: 'Microsoft.Compute/virtualMachines/start/action', resource: nativeId, cloud_code: code });
    t.true(state.error.message.includes(message));
  });
}

test('links leave a sentence, and its rest stays', async (t) => {
  const message = 'Not allowed now. Read more at https://aka.ms/secret?sig=abc and try again.';
  const { answer } = await startMeeting({ kind: 'refused', refusal: { status: 409, code: 'Conflict', message } });
  t.true(!answer.accepted && answer.error.message.includes('Read more at (URL) and try again.'));
});
