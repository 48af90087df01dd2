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

/**
 * Makes sure that the namespace and the product's search attributes exist; what exists is left as it
 * is. Answers whether something was missing: then this Temporal knows nothing of our rows.
 */
export async function ensureNamespace(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (codeOf(error) !== NOT_FOUND) throw error;
    await unlessExisting(
      connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(RETENTION_MS) }),
    );
  }
  const { customAttributes } = await onceVisible(() => connection.operatorService.listSearchAttributes({ namespace }));
  const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes?.[name] === undefined);
  if (missing.length === 0) return false;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD]));
  await unlessExisting(connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
  return true;
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
