import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from '../../db/shared/connection.ts';
import type { Prepare } from '../case.ts';
import { readLeft, slotOf, type FleetEnvironment } from './booking-fleet.ts';
import type { RecordedBooking } from './booking-replay.ts';
import type { Place } from './config.ts';
import { percentiles, runLoad } from './load.ts';
import type { WorkersInput } from './workers-process.ts';
import { firstMessage, startServer } from './server-process.ts';

export interface BookingRequestsInput extends Place {
  server: 'product-server.ts' | 'booking-express-server.ts';
  path: string;
  headers: Record<string, string>;
  connections: number;
  requests: number;
  warmUp: number;
  environments: FleetEnvironment[];
  /** For the bare route: what it runs. */
  recorded?: RecordedBooking;
  /** For the bare route: whether each session prepares its statements. */
  prepared?: boolean;
  /** Workers and relay run beside, from this bundle. */
  workflowBundle?: string;
}

/** Booking requests from many connections, each for a free slot of its own, and what they left in the database. */
export const prepare: Prepare<BookingRequestsInput> = async (input) => {
  const { environments, requests, warmUp, connections, headers } = input;
  const workers = input.workflowBundle === undefined ? null : await startWorkersProcess({ ...input, workflowBundle: input.workflowBundle });
  const server = await startServer(input.server, input);
  const load = { url: `${server.url}${input.path}`, headers, connections };
  const bodyFrom = (first: number) => (number: number): string => {
    const { environment, since, until } = slotOf(first + number, environments.length);
    return JSON.stringify({ environment_id: environments[environment]?.id, since, until });
  };
  await runLoad({ ...load, requests: warmUp }, bodyFrom(requests));
  let latenciesMs: number[] = [];
  return {
    async run() {
      ({ latenciesMs } = await runLoad({ ...load, requests }, bodyFrom(0)));
    },
    async finish() {
      await server.stop();
      await workers?.stop();
      const db = connect(input.databaseUrl, { poolMax: 1, applicationName: 'orrery-bench' });
      const left = await readLeft(db);
      await db.destroy();
      return { requests: latenciesMs.length, ...percentiles(latenciesMs), left };
    },
  };
};

async function startWorkersProcess(input: WorkersInput): Promise<{ stop(): Promise<void> }> {
  const child: ChildProcess = fork(fileURLToPath(new URL('workers-process.ts', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  child.send(input);
  await firstMessage(child, 'the workers');
  return {
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
