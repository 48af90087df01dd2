import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Peer } from './peer.ts';

/** Serves on a port of the system's choice, by HTTPS when given a key; a handler that fails ends the connection and fails `stop`. */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  secure: { key: string; cert: string } | null = null,
): Promise<Peer> {
  const failures: unknown[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      failures.push(error);
      response.destroy();
    });
  };
  const server = secure === null ? createServer(listener) : createTlsServer(secure, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http${secure === null ? '' : 's'}://127.0.0.1:${address.port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      if (failures.length > 0) throw new AggregateError(failures, 'The stand-in itself failed.');
    },
  };
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
