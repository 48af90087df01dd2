import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { StartError } from './steps.ts';

const LOOPBACK = '127.0.0.1';

/** Whether a server could listen on the port now. */
export async function isFree(port: number, host = LOOPBACK): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch (error) {
    if (['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    server.close();
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen({ port: 0, host: LOOPBACK });
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('The system gave no port number.');
  return address.port;
}

/** Refuses a taken port with what changes it: a flag, or a variable of the environment. */
export async function requireFree(port: number, what: string, setting: string): Promise<void> {
  if (await isFree(port)) return;
  const other = setting.startsWith('--') ? `npm start -- ${setting} ${port + 1}` : `${setting}=${port + 1} npm start`;
  throw new StartError(`Port ${port}, meant for ${what}, is taken by another program. Stop that program, or choose another port: ${other}`);
}

/** Whether something accepts connections there. */
export async function answers(port: number, host = LOOPBACK): Promise<boolean> {
  const socket = connect({ port, host });
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  } finally {
    socket.destroy();
  }
}
