/** The least an Express route can do for the same rows: the recorded statements in one transaction, their last row as JSON; no login, no checks. */
import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { API_POOL_MAX } from '../../api/main.ts';
import { sessionOf } from '../../db/shared/connection.ts';
import type { FleetEnvironment } from './booking-fleet.ts';
import { replayer, type RecordedBooking } from './booking-replay.ts';
import type { ServerInput } from './server-process.ts';

export interface ReplayInput extends ServerInput {
  recorded: RecordedBooking;
  prepared?: boolean;
  environments: FleetEnvironment[];
}

interface Wish {
  environment_id: string;
  since: string;
  until: string;
}

const [{ databaseUrl, recorded, environments, prepared }] = (await once(process, 'message')) as [ReplayInput];
const pool = new pg.Pool({ ...sessionOf(databaseUrl, 'orrery-bench-express'), max: API_POOL_MAX });
const statementsOf = replayer(recorded);
const byId = new Map(environments.map((environment) => [environment.id, environment]));

const app = express();
app.use(express.json());
app.post('/bookings', async (request, response) => {
  const { environment_id: id, since, until } = request.body as Wish;
  const environment = byId.get(id);
  if (environment === undefined) throw new Error(`there is no ${id}`);
  const statements = statementsOf({ environment, since, until });
  const client = await pool.connect();
  try {
    let shown: unknown;
    for (const [index, { sql, bindings }] of statements.entries()) {
      const { rows } = await client.query<Record<string, unknown>>({ text: sql, values: bindings, ...(prepared === true && { name: `statement_${index}` }) });
      shown = rows[0] ?? shown;
    }
    response.status(201).json(shown);
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
});
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
