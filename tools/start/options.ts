import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StartError } from './steps.ts';

export interface StartOptions {
  /** Absolute. */
  dataDirectory: string;
  port: number;
  /** What sets the port, for messages. */
  portSetting: '--port' | 'ORRERY_PORT';
  temporalPort: number;
  temporalUiPort: number;
  sample: boolean;
  help: boolean;
}

export const usage = `npm start [-- FLAGS]
  --port N              of the API, 8080 by default; ORRERY_PORT goes before it
  --temporal-port N     of the Temporal server, 7233 by default
  --temporal-ui-port N  of the Temporal Web UI, 8233 by default
  --data-dir DIR        where everything is kept, .orrery by default
  --no-sample           no demonstration organization
DATABASE_URL and TEMPORAL_ADDRESS, when set, are used in place of the servers that npm start brings.
Every setting: docs/operating.md`;

/**
 * Reads the flags of `npm start`. The environment's ORRERY_PORT wins over the flag, as every setting of it does.
 *
 * @throws StartError for an unknown flag or a value that is no port.
 */
export function readOptions(args: string[], workingDirectory: string, env: { ORRERY_PORT?: string | undefined } = {}): StartOptions {
  const { values } = parse(args);
  const port = (flag: keyof typeof values, standard: number): number => {
    const text = values[flag];
    return text === undefined ? standard : readPort(`--${flag}`, String(text));
  };
  const directory = values['data-dir'] ?? '.orrery';
  return {
    dataDirectory: isAbsolute(directory) ? resolve(directory) : join(workingDirectory, directory),
    port: env.ORRERY_PORT ? readPort('ORRERY_PORT', env.ORRERY_PORT) : port('port', 8080),
    portSetting: env.ORRERY_PORT ? 'ORRERY_PORT' : '--port',
    temporalPort: port('temporal-port', 7233),
    temporalUiPort: port('temporal-ui-port', 8233),
    sample: values['no-sample'] !== true,
    help: values.help === true,
  };
}

function readPort(setting: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new StartError(`${setting} ${text} is no port number; give one from 1 to 65535.`);
  return value;
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
