import { AZURE_ACTIONS } from '../../domain/data-sources/azure-permissions.ts';
import type { OperationState } from '../../domain/data-sources/cloud-ports.ts';
import type { ArmAnswer, AzureClients } from './clients.ts';
import { operationError } from './errors.ts';
import type { MachineHandle } from './machines.ts';

export type PowerAction = 'start' | 'deallocate';

/**
 * Asks for a start or a deallocation and answers once Azure has accepted it: with the SDK's poller
 * as text, which any process takes up again, or null when Azure was done at once.
 */
export async function beginOperation(
  clients: AzureClients,
  action: PowerAction,
  { resourceGroup, name }: MachineHandle,
  signal: AbortSignal,
): Promise<string | null> {
  const client = await clients.compute(signal);
  const poller = client.virtualMachines[action](resourceGroup, name);
  await poller.submitted();
  return poller.isDone ? null : withoutResult(await poller.serialize());
}

/**
 * Looks once at an operation. One that failed or was cancelled is done with Azure's reason; one that
 * Azure has forgotten, some hours after its end, is done.
 */
export async function pollOperation(clients: AzureClients, nativeId: string, operation: string, signal: AbortSignal): Promise<OperationState> {
  const { restorePoller } = await import('@azure/arm-compute');
  const heard: { ended: Ended | null } = { ended: null };
  const client = await clients.compute(signal, (answer) => (heard.ended = endedBadly(answer)));
  const poller = restorePoller(client, operation, client.virtualMachines.start);
  try {
    await poller.poll();
  } catch (error) {
    if (isForgotten(error)) return { done: true, error: null };
    // The poller throws for a failed operation as for a failed request, and without the code.
    if (heard.ended === null) throw error;
    return { done: true, error: operationError(heard.ended, { call: actionOf(operation), resource: nativeId }) };
  }
  return poller.isDone ? { done: true, error: null } : { done: false };
}

/**
 * The poller's text without the place of the result: a start has none, and the SDK would ask for it
 * and take an answer without content for a failure.
 */
function withoutResult(serialized: string): string {
  const poller = JSON.parse(serialized) as { state: { config: { resourceLocation?: string } } };
  delete poller.state.config.resourceLocation;
  return JSON.stringify(poller);
}

interface Ended {
  code: string;
  message: string;
}

/** What an operation that did not succeed says, in the form of Resource Manager's asynchronous operations. */
function endedBadly({ status, bodyAsText }: ArmAnswer): Ended | null {
  if (status !== 200 || bodyAsText === null || bodyAsText === undefined || bodyAsText === '') return null;
  const body = JSON.parse(bodyAsText) as { status?: unknown; error?: { code?: unknown; message?: unknown } };
  if (!/^(failed|canceled|cancelled)$/i.test(String(body.status))) return null;
  const { code, message } = body.error ?? {};
  return { code: typeof code === 'string' ? code : `Operation${String(body.status)}`, message: typeof message === 'string' ? message : '' };
}

function isForgotten(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 404;
}

/** The action that began an operation, from the URL it was called with. */
function actionOf(operation: string): string {
  return /\/deallocate\b/.test(operation) ? AZURE_ACTIONS.deallocate : AZURE_ACTIONS.start;
}
