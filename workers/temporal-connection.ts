import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import type { Config } from '../config.ts';

function options({ temporal }: Pick<Config, 'temporal'>): Pick<NativeConnectionOptions, 'address' | 'tls' | 'apiKey'> {
  return {
    address: temporal.address,
    tls: temporal.tls === false ? false : temporal.tls,
    ...(temporal.apiKey !== null && { apiKey: temporal.apiKey }),
  };
}

/** A client of the configured Temporal: self-hosted, or Temporal Cloud with TLS and API key. */
export async function connectClient(config: Pick<Config, 'temporal'>): Promise<{ client: Client; connection: Connection }> {
  const connection = await Connection.connect(options(config));
  return { connection, client: new Client({ connection, namespace: config.temporal.namespace }) };
}

/** The connection that workers poll on. */
export async function connectWorkers(config: Pick<Config, 'temporal'>): Promise<NativeConnection> {
  return await NativeConnection.connect(options(config));
}
