import { ConfigError } from '../../config.ts';
import { ApiError } from '../cli/api-client.ts';

/** Takes one line of text for the person at the terminal. */
export type Log = (line: string) => void;

/** Something the person can put right: printed as it is, without a stack. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

/** What to print of an error: the message alone where a person can put it right, else everything. */
export function reasonOf(error: unknown): unknown {
  return error instanceof StartError || error instanceof ConfigError || error instanceof ApiError ? error.message : error;
}

/** Replaces the text that a running step shows beside its elapsed time. */
export type Say = (detail: string) => void;

const SILENCE_MILLISECONDS = 10_000;

export function elapsed(sinceMilliseconds: number): string {
  return `${((performance.now() - sinceMilliseconds) / 1000).toFixed(1)} s`;
}

/**
 * Runs one step with visible progress and its elapsed time: on a terminal one line that counts up, elsewhere
 * a line now and then while it lasts, and one at its end. A step that fails says so and throws on.
 */
export async function step<T>(title: string, run: (say: Say) => Promise<T>, out: NodeJS.WriteStream = process.stdout): Promise<T> {
  const began = performance.now();
  let detail = '';
  let saidAt = began;
  const line = (mark: string) => `${mark} ${title}${detail === '' ? '' : `: ${detail}`}  ${elapsed(began)}`;
  const tick = () => {
    if (out.isTTY) out.write(`\r\u001b[K${line('·').slice(0, (out.columns || 80) - 1)}`);
    else if (performance.now() - saidAt > SILENCE_MILLISECONDS) {
      saidAt = performance.now();
      out.write(`${line('·')}\n`);
    }
  };
  const timer = setInterval(tick, out.isTTY ? 200 : 1000);
  const end = (mark: string) => {
    clearInterval(timer);
    out.write(`${out.isTTY ? '\r\u001b[K' : ''}${line(mark)}\n`);
  };
  try {
    const result = await run((text) => {
      detail = text;
    });
    end('✓');
    return result;
  } catch (error) {
    end('✗');
    throw error;
  }
}
