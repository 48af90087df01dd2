import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Config } from '../../config.ts';

/** Workers, relay and reconciler, or the API, in a process of their own, which a test kills. */
export interface WorkerProcess {
  child: ChildProcess;
  ready: Promise<void>;
  kill(): Promise<void>;
}

export type PlainConfig = Omit<Config, 'secretKeys'> & { secretKey: string };

/** Starts `worker-child.ts`. Its output is shown when ORRERY_TEST_LOG is set. */
export function startWorkerProcess(config: Config, part: 'workers' | 'api' = 'workers'): WorkerProcess {
  const plain: PlainConfig = { ...config, secretKey: config.secretKeys.current.toString('base64') };
  const child = fork(join(import.meta.dirname, 'worker-child.ts'), [part, JSON.stringify(plain)], {
    stdio: ['ignore', process.env.ORRERY_TEST_LOG === undefined ? 'ignore' : 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    void exited.then(() => reject(new Error(`a process of the ${part} ended before it was ready`)));
  });
  // A process that is killed on purpose before it is ready is no failure.
  ready.catch(() => undefined);
  return {
    child,
    ready,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
