import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { TemporalConfig } from '../../config.ts';
import type { EntityRef } from '../../workflows/messages.ts';

/** Where a process dies. */
export const CRASH_POINTS = ['command before commit', 'command after commit', 'relay before signal', 'relay after signal'] as const;

export interface CrashOrder {
  at: (typeof CRASH_POINTS)[number];
  databaseUrl: string;
  temporal: TemporalConfig;
  ref: EntityRef;
}

/** Runs a process that is killed by SIGKILL at the ordered point; fails if it ends in any other way. */
export async function crash(order: CrashOrder): Promise<void> {
  const child = fork(join(import.meta.dirname, 'crash-child.ts'), [JSON.stringify(order)]);
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, by) => resolve(by)));
  if (signal !== 'SIGKILL') throw new Error(`the process ended without reaching "${order.at}"`);
}
