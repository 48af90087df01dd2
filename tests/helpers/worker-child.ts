import pino from 'pino';
import type { Config } from '../../config.ts';
import { startWorkers } from '../../workers/main.ts';
import { testEnvironment } from './environment.ts';
import type { PlainConfig } from './worker-process.ts';

// Usage: forked by worker-process.ts with its configuration as JSON. Ends with its parent.
const { secretKey, ...plain } = JSON.parse(process.argv[2] ?? '') as PlainConfig;
const config: Config = { ...plain, secretKeys: { current: Buffer.from(secretKey, 'base64'), previous: [] } };
const log = pino({ level: process.env.ORRERY_TEST_LOG ?? 'silent' });
process.once('disconnect', () => process.exit(0));
await startWorkers(config, log, { workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } });
process.send?.('ready');
