/** The product's workers, relay and reconciler as production starts them: in a process of their own. Ends with its parent. */
import { once } from 'node:events';
import pino from 'pino';
import { startWorkers } from '../../workers/main.ts';
import { benchConfig, type Place } from './config.ts';

export interface WorkersInput extends Place {
  workflowBundle: string;
}

const [input] = (await once(process, 'message')) as [WorkersInput];
process.once('disconnect', () => process.exit(0));
const config = benchConfig(input);
await startWorkers(config, pino({ level: config.logLevel }), { workflowBundle: { codePath: input.workflowBundle } });
process.send?.('ready');
