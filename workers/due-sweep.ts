import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AnyEntityDefinition, EntityRegistry } from '../activities/entities.ts';
import { settleDue } from '../commands/shared/entity-commands.ts';
import type { Database } from '../db/shared/connection.ts';
import { inTransaction } from '../db/shared/transaction.ts';
import type { Clock } from '../domain/shared/time.ts';

/** Rows that one transaction moves; so many of them begin a sweep. Fewer are left to their workflows. */
const PORTION = 50;
const EVERY_MS = 1_000;

export interface DueSweepDependencies {
  db: Database;
  clock: Clock;
  entities: EntityRegistry;
  log: Logger;
}

/**
 * Moves the rows whose deadlines have come together, of every kind that says how, portion by portion, and answers with how
 * many there were. A portion is one transaction; any number of processes may sweep beside each other and beside the rows' workflows.
 */
export async function sweepDue({ db, clock, entities }: Omit<DueSweepDependencies, 'log'>, signal?: AbortSignal): Promise<number> {
  let moved = 0;
  for (const definition of entities.values()) if (definition.together !== undefined) moved += await sweepKind({ db, clock }, definition, signal);
  return moved;
}

async function sweepKind({ db, clock }: Pick<DueSweepDependencies, 'db' | 'clock'>, definition: AnyEntityDefinition, signal?: AbortSignal): Promise<number> {
  let moved = 0;
  for (;;) {
    if (signal?.aborted === true) return moved;
    // What once was many is moved to the end: the last ones would stand behind all the others' workflows.
    const portion = await inTransaction(db, (tx) => settleDue(tx, definition, clock.now(), { limit: PORTION, atLeast: moved === 0 ? PORTION : 1 }));
    if (portion === 0) return moved;
    moved += portion;
  }
}

/** Sweeps each second until stopped. A failure is logged and tried again: the rows' workflows look meanwhile. */
export function startDueSweep(deps: DueSweepDependencies): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const moved = await sweepDue(deps, signal);
        if (moved > 0) deps.log.info({ moved }, 'rows whose deadlines came together were moved');
      } catch (error) {
        deps.log.warn({ err: error }, 'rows whose deadlines came together were not moved; it is tried again');
      }
      await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
