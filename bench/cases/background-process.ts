import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { firstMessage } from './server-process.ts';

/** Files of this folder that work beside a case, and say something once they are ready to. */
export type BackgroundModule = 'workers-process.ts' | 'bare-timers-process.ts';

/** Starts a file of this folder in a process of its own, which gets its input as its first message. */
export async function startProcess(module: BackgroundModule, input: object): Promise<{ stop(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  child.send(input);
  await firstMessage(child, module);
  return {
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
