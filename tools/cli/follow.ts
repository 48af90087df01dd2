import { setTimeout as delay } from 'node:timers/promises';
import { Presets, SingleBar } from 'cli-progress';
import { ApiError, type ApiClient, type Operation } from './api-client.ts';

const POLL_MILLISECONDS = 500;

/**
 * Follows an operation to its end, telling of each change, and answers it.
 *
 * @throws ApiError with the operation's own reason when it failed or was cancelled.
 */
export async function followOperation(client: ApiClient, started: Operation, tell: (operation: Operation) => void): Promise<Operation> {
  let operation = started;
  tell(operation);
  while (operation.state === 'pending' || operation.state === 'running') {
    await delay(POLL_MILLISECONDS);
    operation = await client.getOperation(operation.id);
    tell(operation);
  }
  if (operation.state !== 'completed') {
    const reason = operation.error === undefined || operation.error === null ? '' : `: ${operation.error.message} (${operation.error.code})`;
    throw new ApiError('operation-ended', `${operation.id} ${operation.state}${reason}\nIts history: workflow ${operation.workflow_id} in the Temporal UI.`);
  }
  return operation;
}

/** One line on how far an import is. */
export function describeProgress({ progress }: Pick<Operation, 'progress'>): string {
  const { files_done: done = 0, files_total: total = 0, rows = 0, bytes = 0 } = progress ?? {};
  return `${done} of ${total} files, ${rows.toLocaleString('en')} rows, ${(bytes / 1e6).toFixed(1)} MB`;
}

/** Shows a bar on a terminal and changed lines elsewhere, until `stop`. */
export function progressBar(stream: NodeJS.WriteStream): { tell(operation: Operation): void; stop(): void } {
  if (!stream.isTTY) {
    let last = '';
    return {
      tell(operation) {
        const line = `${operation.state}: ${describeProgress(operation)}`;
        if (line !== last) stream.write(`${line}\n`);
        last = line;
      },
      stop() {
        stream.write('');
      },
    };
  }
  const bar = new SingleBar({ format: '{bar} {percentage}% {detail}', stream, hideCursor: true }, Presets.shades_classic);
  bar.start(1, 0, { detail: '' });
  return {
    tell(operation) {
      const { files_done: done = 0, files_total: total = 0 } = operation.progress ?? {};
      bar.setTotal(Math.max(total, 1));
      bar.update(operation.state === 'completed' ? Math.max(total, 1) : done, { detail: describeProgress(operation) });
    },
    stop() {
      bar.stop();
    },
  };
}
