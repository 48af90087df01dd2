import { mkdirSync, mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../tools/start/ports.ts';
import { systemCluster } from '../../tools/start/postgres-place.ts';
import { startPostgres, type RunningPostgres } from '../../tools/start/postgres.ts';
import { startTemporalServer, virtualTimeFlags, type RunningTemporal } from '../../tools/start/temporal-server.ts';

/** A PostgreSQL and a Temporal server that a test may kill: nobody else uses them. */
export interface OwnServers {
  databaseUrl: string;
  temporalAddress: string;
  directory: string;
  /** SIGKILL, then a new server on the same data and port. */
  crashPostgres(): Promise<void>;
  /** SIGKILL, then a new server on the same port; `forget` deletes its database first. */
  crashTemporal(options?: { forget: boolean }): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them; `virtualTime` lets a test move the clocks of workflows. */
export async function ownServers({ virtualTime = false } = {}): Promise<OwnServers> {
  const directory = mkdtempSync(join(tmpdir(), 'orrery-faults-'));
  // PostgreSQL runs as a user of its own when root runs the tests.
  chmodSync(directory, 0o711);
  const postgresDirectory = join(directory, 'postgres');
  mkdirSync(postgresDirectory, { mode: 0o711 });
  const binary = process.env.ORRERY_TEST_TEMPORAL_CLI ?? '';
  const port = await freePort();
  const runPostgres = (): Promise<RunningPostgres> =>
    startPostgres({ dataDirectory: postgresDirectory, log: () => undefined, throwAway: true });
  const runTemporal = (): Promise<RunningTemporal> =>
    startTemporalServer({ binary, dataDirectory: join(directory, 'temporal'), port, uiPort: null, flags: virtualTime ? virtualTimeFlags : [] });
  let postgres = await runPostgres();
  let temporal = await runTemporal();
  return {
    databaseUrl: postgres.url,
    temporalAddress: temporal.address,
    directory,
    async crashPostgres() {
      await killed(postgres.process);
      postgres = await runPostgres();
    },
    async crashTemporal({ forget } = { forget: false }) {
      await killed(temporal.process);
      if (forget) for (const suffix of ['', '-wal', '-shm']) rmSync(`${temporal.databaseFile}${suffix}`, { force: true });
      temporal = await runTemporal();
    },
    async stop() {
      await temporal.stop();
      await postgres.stop();
      const elsewhere = systemCluster(postgresDirectory);
      if (elsewhere !== null) for (const path of [elsewhere, `${elsewhere}.ready`]) rmSync(path, { recursive: true, force: true });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function killed(child: RunningPostgres['process']): Promise<void> {
  const gone = new Promise<void>((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve())));
  child.kill('SIGKILL');
  await gone;
}
