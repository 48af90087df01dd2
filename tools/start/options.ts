import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StartError } from './steps.ts';

export interface StartOptions {
  /** Absolute. */
  dataDirectory: string;
  port: number;
  temporalPort: number;
  temporalUiPort: number;
  sample: boolean;
  help: boolean;
}

export const usage = `npm start [-- FLAGS]
  --port N              of the API, 8080 by default
  --temporal-port N     of the Temporal server, 7233 by default
  --temporal-ui-port N  of the Temporal Web UI, 8233 by default
  --data-dir DIR        where everything is kept, .orrery by default
  --no-sample           no demonstration organization
DATABASE_URL and TEMPORAL_ADDRESS, when set, are used in place of the servers that npm start brings.
Every setting: docs/operating.md`;

/**
 * Reads the flags of `npm start`.
 *
 * @throws StartError for an unknown flag or a value that is no port.
 */
export function readOptions(args: string[], workingDirectory: string): StartOptions {
  const { values } = parse(args);
  const port = (flag: keyof typeof values, standard: number): number => {
    const text = values[flag];
    if (text === undefined) return standard;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new StartError(`--${flag} ${String(text)} is no port number; give one from 1 to 65535.`);
    return value;
  };
  const directory = values['data-dir'] ?? '.orrery';
  return {
    dataDirectory: isAbsolute(directory) ? resolve(directory) : join(workingDirectory, directory),
    port: port('port', 8080),
    temporalPort: port('temporal-port', 7233),
    temporalUiPort: port('temporal-ui-port', 8233),
    sample: values['no-sample'] !== true,
    help: values.help === true,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        'temporal-port': { type: 'string' },
        'temporal-ui-port': { type: 'string' },
        'data-dir': { type: 'string' },
        'no-sample': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new StartError(`${error.message}\n\n${usage}`, { cause: error });
  }
}
