import pino from 'pino';
import { startApi } from '../../api/main.ts';
import type { Config } from '../../config.ts';
import { startWorkers } from '../../workers/main.ts';
import { testEnvironment } from './environment.ts';
import type { PlainConfig } from './worker-process.ts';

// Usage: forked by worker-process.ts with what to run and its configuration as JSON. Ends with its parent.
const [part, json = ''] = process.argv.slice(2);
const { secretKey, ...plain } = JSON.parse(json) as PlainConfig;
const config: Config = { ...plain, secretKeys: { current: Buffer.from(secretKey, 'base64'), previous: [] } };
const log = pino({ level: process.env.ORRERY_TEST_LOG ?? 'silent' });
process.once('disconnect', () => process.exit(0));
if (part === 'api') await startApi(config, log);
else await startWorkers(config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } });
process.send?.('ready');
