import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.ts';

const RETENTION_MS = 30 * 86_400_000;
const { INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

const VISIBLE_ATTEMPTS = 150;
const VISIBLE_EVERY_MS = 200;

const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;

/**
 * What was found. `complete`: everything was there. `completed`: something was missing and is made, so this Temporal
 * knows nothing of our rows. `withheld`: the namespace works, but we may not look at or add search attributes, as in
 * Temporal Cloud with an API key; an administrator adds them there (docs/operating.md).
 */
export type NamespaceState = 'complete' | 'completed' | 'withheld';

/**
 * Makes sure that the namespace and the product's search attributes exist; what exists is left as it
 * is, and what we may not ask for is taken as it is.
 */
export async function ensureNamespace(connection: Connection, namespace: string): Promise<NamespaceState> {
  await ensureExists(connection, namespace);
  try {
    const { customAttributes } = await onceVisible(() => connection.operatorService.listSearchAttributes({ namespace }));
    const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes?.[name] === undefined);
    if (missing.length === 0) return 'complete';
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD]));
    await unlessExisting(connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
    return 'completed';
  } catch (error) {
    if (isWithheld(error)) return 'withheld';
    throw error;
  }
}

async function ensureExists(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    // Workers tell soon enough whether a namespace is there that we may not look at.
    if (isWithheld(error)) return;
    if (codeOf(error) !== NOT_FOUND) throw error;
    await unlessExisting(
      connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(RETENTION_MS) }),
    );
  }
}

/** The service refuses this call to us, or does not have it. */
function isWithheld(error: unknown): boolean {
  return [PERMISSION_DENIED, UNIMPLEMENTED].includes(codeOf(error) ?? 0);
}

/** Servers refresh their list of namespaces every few seconds: a new one is not found until then. */
async function onceVisible<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (codeOf(error) !== NOT_FOUND || attempt === VISIBLE_ATTEMPTS) throw error;
      await delay(VISIBLE_EVERY_MS);
    }
  }
}

/** Another process may have been quicker. */
async function unlessExisting(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (codeOf(error) !== ALREADY_EXISTS) throw error;
  }
}

function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}
