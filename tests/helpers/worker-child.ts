import pino from 'pino';
import type { Config } from '../../config.ts';
import { testEnvironment } from './environment.ts';
import type { PlainConfig } from './worker-process.ts';

// Usage: forked by worker-process.ts with what to run and its configuration as JSON. Ends with its parent.
const [part, json = ''] = process.argv.slice(2);
const { secretKey, ...plain } = JSON.parse(json) as PlainConfig;
const config: Config = { ...plain, secretKeys: { current: Buffer.from(secretKey, 'base64'), previous: [] } };
const log = pino({ level: process.env.ORRERY_TEST_LOG ?? 'silent' });
process.once('disconnect', () => process.exit(0));
// Each loads what it runs alone: processes are started and killed by the dozen.
if (part === 'api') {
  const { startApi } = await import('../../api/main.ts');
  await startApi(config, log);
} else {
  const { startWorkers } = await import('../../workers/main.ts');
  await startWorkers(config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } });
}
process.send?.('ready');
