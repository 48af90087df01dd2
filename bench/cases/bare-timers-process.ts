/** A worker for bare timers, with the SDK's defaults, in a process of its own. Ends with its parent. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import pg from 'pg';
import { sessionOf } from '../../db/shared/connection.ts';
import type { BareTimerActivities } from './bare-timer.ts';
import { BARE_TIMERS } from './bare-timers.ts';

export interface BareTimersInput {
  databaseUrl: string;
  temporalAddress: string;
}

/** As many as the product's workers have. */
const CONNECTIONS = 20;

const [{ databaseUrl, temporalAddress }] = (await once(process, 'message')) as [BareTimersInput];
process.once('disconnect', () => process.exit(0));
Runtime.install({ logger: new DefaultLogger('WARN') });
const pool = new pg.Pool({ ...sessionOf(databaseUrl, 'orrery-bench-timers'), max: CONNECTIONS });
const activities: BareTimerActivities = {
  async fire(id) {
    await pool.query(`update ${BARE_TIMERS.table} set fired_at = clock_timestamp() where id = $1`, [id]);
  },
};
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: temporalAddress }),
  taskQueue: BARE_TIMERS.taskQueue,
  workflowsPath: fileURLToPath(new URL('bare-timer.ts', import.meta.url)),
  activities,
});
const ended = worker.run();
process.send?.('ready');
await ended;
