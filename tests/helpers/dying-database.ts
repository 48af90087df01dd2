import type { Knex } from 'knex';
import { connect, type Database } from '../../db/shared/connection.ts';

/** What a process finds of its database once it has been cut off. */
export class CutOff extends Error {}

/** A database as a process sees it that dies: before its statement number `at`, connections break and nothing gets through any more. */
export interface DyingDatabase {
  db: Database;
  /** Statements that reached the database, transaction control included. */
  statements(): number;
  end(): Promise<void>;
}

type Query = (config: unknown, done: (error: Error | null, result?: unknown) => void) => unknown;

/** A connection of pg, as far as this needs it. knex gives `query` a callback. */
interface PgConnection {
  query: Query;
  connection: { stream: { destroy(): void } };
}

type Client = Knex.Client & { acquireRawConnection(): Promise<PgConnection> };

export function dyingDatabase(url: string, at: number): DyingDatabase {
  const db = connect(url, { poolMax: 4, applicationName: 'orrery-dying' });
  const client = db.client as Client;
  const open = client.acquireRawConnection.bind(client);
  let statements = 0;
  client.acquireRawConnection = async () => {
    const connection = await open();
    const query = connection.query.bind(connection);
    connection.query = (config: Parameters<Query>[0], done: Parameters<Query>[1]) => {
      statements += 1;
      if (statements < at) return query(config, done);
      // As when a process is killed: the server sees the connection end and rolls back what was open.
      connection.connection.stream.destroy();
      done(new CutOff(`cut off before statement ${at}`));
      return undefined;
    };
    return connection;
  };
  return { db, statements: () => statements, end: () => db.destroy() };
}
