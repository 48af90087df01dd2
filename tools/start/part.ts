import pino from 'pino';
import { ConfigError, loadConfig, type Config } from '../../config.ts';

// Usage: part.ts workers|api, by the supervisor alone. Beside what `node workers/main.ts` does, it tells the
// supervisor when it is ready, and ends when the supervisor is gone, even by SIGKILL: their channel closes then.
const [name] = process.argv.slice(2);
try {
  const config = loadConfig(process.env);
  // Loaded on demand: neither process carries the other's modules.
  const { running, log } = name === 'api' ? await runApi(config) : await runWorkers(config);
  let stopping: Promise<void> | null = null;
  const stop = () => {
    stopping ??= running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  for (const reason of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(reason, stop);
  if (process.connected) process.send?.('ready');
  else stop();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}

async function runApi(config: Config) {
  const { startApi } = await import('../../api/main.ts');
  const log = pino({ level: config.logLevel, base: { process: 'api' } });
  return { running: await startApi(config, log), log };
}

async function runWorkers(config: Config) {
  const { workersLog } = await import('../../workers/log.ts');
  const { startWorkers } = await import('../../workers/main.ts');
  const log = workersLog(config.logLevel);
  return { running: await startWorkers(config, log), log };
}
