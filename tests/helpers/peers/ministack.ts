import { createServer } from 'node:net';
import { once } from 'node:events';
import type { Peer } from './peer.ts';
import { startPythonPeer } from './python-process.ts';

/** Starts ministack, of which only Cost and Usage Report definitions are used. */
export async function startMinistack(): Promise<Peer> {
  const port = await freePort();
  return startPythonPeer({
    program: "import sys; sys.argv = ['ministack']; from ministack.app import main; main()",
    // It binds all interfaces unless told not to.
    env: { BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port) },
    addressIn: (output) => (/Running on http:\/\/127\.0\.0\.1:\d+/.test(output) ? `http://127.0.0.1:${port}` : null),
  });
}

/** A port that was free a moment ago: ministack cannot choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
