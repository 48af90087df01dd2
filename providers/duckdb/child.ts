/**
 * The process in which DuckDB runs, so that its memory and its crashes are not the worker's.
 * Started by `DuckDbProcess` with its settings as the one argument; ends with its parent, as the
 * channel between them then closes.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DuckDbReply, DuckDbRequest, DuckDbSettings } from './protocol.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as DuckDbSettings;

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const connection = connect();
process.on('message', (request: DuckDbRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});

async function connect(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${settings.memoryLimitMb}MB`,
    threads: String(settings.threads),
    temp_directory: settings.temporaryDirectory,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  return await instance.connect();
}

async function answer({ id, sql }: DuckDbRequest): Promise<DuckDbReply> {
  try {
    const reader = await (await connection).runAndReadAll(sql);
    return { id, rows: reader.getRowObjectsJson() };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}
