/** The product's API as production starts it, on a free port, its log going nowhere. */
import pino from 'pino';
import { once } from 'node:events';
import { startApi } from '../../api/main.ts';
import { benchConfig } from './config.ts';
import type { ServerInput } from './server-process.ts';

const [{ databaseUrl, directory }] = (await once(process, 'message')) as [ServerInput];
const config = benchConfig({ databaseUrl, directory, temporalAddress: '127.0.0.1:7233', exportDirectory: directory });
const api = await startApi({ ...config, http: { ...config.http, port: 0 } }, pino({ level: 'info' }, pino.destination('/dev/null')));
process.send?.({ port: Number(new URL(api.url).port) });
