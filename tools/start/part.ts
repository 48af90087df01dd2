import pino from 'pino';
import { ConfigError, loadConfig } from '../../config.ts';

// Usage: part.ts workers|api, by the supervisor alone. Beside what `node workers/main.ts` does, it tells the
// supervisor when it is ready, and ends when the supervisor is gone, even by SIGKILL: their channel closes then.
const [name] = process.argv.slice(2);
try {
  const config = loadConfig(process.env);
  const log = pino({ level: config.logLevel, base: { process: name } });
  // Loaded on demand: neither process carries the other's modules.
  const running =
    name === 'api' ? await (await import('../../api/main.ts')).startApi(config, log) : await (await import('../../workers/main.ts')).startWorkers(config, log);
  let stopping: Promise<void> | null = null;
  const stop = () => {
    stopping ??= running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error }, 'stopping failed');
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
