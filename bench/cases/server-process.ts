import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a server process is given, as its first message. */
export interface ServerInput {
  databaseUrl: string;
  /** Scratch space of the server. */
  directory: string;
}

export type ServerModule = 'express-server.ts' | 'product-server.ts' | 'booking-express-server.ts' | 'projects-express-server.ts';

export interface ServerProcess {
  /** Without a slash at the end. */
  url: string;
  stop(): Promise<void>;
}

/** Starts a file of this folder that listens and tells its port, in a process of its own. */
export async function startServer(server: ServerModule, input: ServerInput): Promise<ServerProcess> {
  const child = fork(fileURLToPath(new URL(`./${server}`, import.meta.url)), [], { execArgv: [] });
  child.send(input);
  const port = await firstMessage<{ port: number }>(child, server);
  return {
    url: `http://127.0.0.1:${port.port}`,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** What a process says first; fails when it ends before. */
export async function firstMessage<Message>(child: ChildProcess, name: string): Promise<Message> {
  const ended = once(child, 'exit').then(([code]) => Promise.reject<never>(new Error(`${name} ended with ${String(code)} before it was ready`)));
  const [message] = await Promise.race([once(child, 'message') as Promise<[Message]>, ended]);
  // From here on its end is expected.
  ended.catch(() => undefined);
  return message;
}
