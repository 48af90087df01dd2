import pg from 'pg';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { EntityRegistry } from '../activities/entities.ts';
import type { Database } from '../db/shared/connection.ts';
import {
  claimWakeUps,
  deleteWakeUp,
  nextWakeUpAt,
  postponeWakeUp,
  WAKE_UP_CHANNEL,
  type WakeUp,
} from '../db/shared/wake-up-store.ts';
import { plusMilliseconds, type Clock } from '../domain/shared/time.ts';
import { lookAgain, LOOKS_LOCALLY, type EntityRef, type SEARCH_ATTRIBUTES } from '../workflows/messages.ts';

const BATCH = 50;
const LEASE_MS = 30_000;
const LONGEST_WAIT_MS = 5_000;
const LONGEST_BACKOFF_MS = 60_000;
/** Failed deliveries, some seven seconds, before a namespace counts as one without our search attributes. */
const PATIENCE = 4;

/** Temporal's priorities go from 1, the first, to 5; 3 is what workflows have by default. Servers without priorities ignore it. */
const YIELDING_PRIORITY = 4;

/** Signal-with-start, the one call the relay makes. Tests put a process that dies here between two steps. */
export type WakeWorkflow = (wakeUp: WakeUp, workflowType: string, yields?: boolean) => Promise<void>;

export interface RelayDependencies {
  db: Database;
  clock: Clock;
  entities: EntityRegistry;
  wake: WakeWorkflow;
  log: Logger;
}

/**
 * The real call: an open run is signalled, a closed or missing one is started anew with the signal. Search attributes
 * are for operators' eyes: where the namespace lacks them and we may not add them, workflows run without.
 */
export function wakeThrough(client: Client, taskQueue: string): WakeWorkflow {
  const start = async (wakeUp: WakeUp, workflowType: string, { yields, legible }: { yields: boolean; legible: boolean }): Promise<void> => {
    const ref: EntityRef = { organizationId: wakeUp.organizationId, id: wakeUp.entityId };
    await client.workflow.signalWithStart<(ref: EntityRef) => Promise<void>, []>(workflowType, {
      workflowId: wakeUp.workflowId,
      taskQueue,
      args: [ref],
      signal: lookAgain,
      signalArgs: [],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      memo: { [LOOKS_LOCALLY.key]: LOOKS_LOCALLY.value },
      staticSummary: `${wakeUp.kind} ${wakeUp.entityId}`,
      ...(yields && { priority: { priorityKey: YIELDING_PRIORITY } }),
      ...(legible && { searchAttributes: searchAttributesOf(wakeUp) }),
    });
  };
  let lacking = false;
  return async (wakeUp, workflowType, yields = false) => {
    if (lacking) return await start(wakeUp, workflowType, { yields, legible: false });
    try {
      await start(wakeUp, workflowType, { yields, legible: true });
    } catch (error) {
      // Attributes just added are known to every server only after some seconds, so the first refusals are waited out.
      if (!isUnknownSearchAttribute(error) || wakeUp.attempts < PATIENCE) throw error;
      await start(wakeUp, workflowType, { yields, legible: false });
      lacking = true;
    }
  };
}

function searchAttributesOf(wakeUp: WakeUp): Record<(typeof SEARCH_ATTRIBUTES)[number], string[]> {
  return { OrreryOrganization: [wakeUp.organizationId], OrreryDomain: [wakeUp.kind], OrreryStatus: ['open'] };
}

/** INVALID_ARGUMENT is 3: "Namespace … has no mapping defined for search attribute OrreryDomain". */
function isUnknownSearchAttribute(error: unknown): boolean {
  const { code, details } = ((error as Error).cause ?? {}) as { code?: unknown; details?: unknown };
  return code === 3 && typeof details === 'string' && /search attribute/i.test(details);
}

/** Delivers one batch of due wake-ups and answers how many there were. Any number of relays may run. */
export async function relayOnce(deps: RelayDependencies): Promise<number> {
  const at = deps.clock.now();
  const claimed = await claimWakeUps(deps.db, at, plusMilliseconds(at, LEASE_MS), BATCH);
  await Promise.all(claimed.map((wakeUp) => deliver(deps, wakeUp)));
  return claimed.length;
}

async function deliver(deps: RelayDependencies, wakeUp: WakeUp): Promise<void> {
  const definition = deps.entities.get(wakeUp.kind);
  try {
    if (definition === undefined) throw new Error(`this worker knows no entity of kind ${wakeUp.kind}`);
    await deps.wake(wakeUp, definition.workflowType, definition.yields === true);
    await deleteWakeUp(deps.db, wakeUp);
  } catch (error) {
    const backoff = Math.min(LONGEST_BACKOFF_MS, 500 * 2 ** Math.min(wakeUp.attempts, 10));
    deps.log.warn({ err: error, workflowId: wakeUp.workflowId, attempts: wakeUp.attempts + 1 }, 'wake-up not delivered');
    await postponeWakeUp(deps.db, wakeUp, plusMilliseconds(deps.clock.now(), backoff), (error as Error).message);
  }
}

/**
 * Runs until stopped: delivers what is due at once on NOTIFY, and looks by itself at the latest
 * every five seconds, so a lost notification only costs time. Survives a database that goes away.
 */
export function startRelay(deps: RelayDependencies & { databaseUrl: string }): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let ring: (() => void) | undefined;
  let rung = false;
  const bell = (): void => {
    rung = true;
    ring?.();
  };
  const rest = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      if (rung || stopping.signal.aborted) return resolve();
      const timer = setTimeout(done, milliseconds);
      function done(): void {
        clearTimeout(timer);
        ring = undefined;
        resolve();
      }
      ring = done;
    });
  const run = async (): Promise<void> => {
    const listener = listen(deps, bell, stopping.signal);
    while (!stopping.signal.aborted) {
      rung = false;
      try {
        if ((await relayOnce(deps)) > 0) continue;
        const next = await nextWakeUpAt(deps.db);
        const until = next === null ? LONGEST_WAIT_MS : Date.parse(next) - Date.parse(deps.clock.now());
        await rest(Math.min(Math.max(until, 20), LONGEST_WAIT_MS));
      } catch (error) {
        deps.log.warn({ err: error }, 'the relay cannot reach its database; it tries again');
        await rest(1_000);
      }
    }
    await listener;
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      bell();
      await running;
    },
  };
}

/** Keeps one LISTEN connection, reconnecting until stopped. */
async function listen({ databaseUrl, log }: { databaseUrl: string; log: Logger }, bell: () => void, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const connection = new pg.Client({ connectionString: databaseUrl, application_name: 'orrery-relay', keepAlive: true });
    const ended = new Promise<void>((resolve) => {
      connection.on('error', (error) => {
        log.warn({ err: error }, 'the relay lost its LISTEN connection');
        resolve();
      });
      connection.on('end', () => resolve());
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    connection.on('notification', bell);
    try {
      await connection.connect();
      await connection.query(`listen ${WAKE_UP_CHANNEL}`);
      bell();
      await ended;
    } catch (error) {
      log.warn({ err: error }, 'the relay cannot listen; it tries again');
    }
    await connection.end().catch((error: unknown) => log.debug({ err: error }, 'closing the LISTEN connection'));
    if (!stop.aborted) await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
