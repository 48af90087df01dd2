import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../start/ports.ts';
import { systemCluster } from '../start/postgres-place.ts';
import { startPostgres } from '../start/postgres.ts';
import { endRecorded, recordedProcess, recordProcess } from '../start/processes.ts';
import { step } from '../start/steps.ts';
import { ensureTemporalBinary } from '../start/temporal-binary.ts';
import { startTemporalServer, virtualTimeFlags } from '../start/temporal-server.ts';

const PREFIX = 'orrery-run-';
/** The first server whose workflows can be given a clock of their own. */
export const VIRTUAL_TIME_SERVER = '1.32.0';

export interface RunServers {
  databaseUrl: string;
  temporalAddress: string;
  temporalCli: string;
  /** Scratch space of this run, removed with it. */
  directory: string;
  stop(): Promise<void>;
}

/**
 * Starts one throw-away PostgreSQL and one Temporal server with virtual time for a whole run, in a directory of the
 * system's temporary folder. First clears away what a killed earlier run left there.
 */
export async function startServers(): Promise<RunServers> {
  await clearLeftovers();
  const binary = await step('Temporal server', (say) => ensureTemporalBinary({ minimum: VIRTUAL_TIME_SERVER, log: say }));
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  recordProcess(join(directory, 'owner.json'), process.pid);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
    removeRun(directory);
  };
  try {
    const postgres = await step('PostgreSQL', (say) => startPostgres({ dataDirectory: openDirectory(directory), log: say, throwAway: true }));
    stops.push(postgres.stop);
    if (postgres.process.pid !== undefined) recordProcess(join(directory, 'postgres.json'), postgres.process.pid);
    const temporal = await step(`Temporal ${binary.serverVersion} from ${binary.source}`, async () =>
      startTemporalServer({ binary: binary.path, dataDirectory: join(directory, 'temporal'), port: await freePort(), uiPort: null, flags: virtualTimeFlags }),
    );
    stops.push(temporal.stop);
    if (temporal.process.pid !== undefined) recordProcess(join(directory, 'temporal.json'), temporal.process.pid);
    return { databaseUrl: postgres.url, temporalAddress: temporal.address, temporalCli: binary.path, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** When root runs the tests, PostgreSQL's own user must be able to pass through the run's folder. */
function openDirectory(directory: string): string {
  const postgres = join(directory, 'postgres');
  mkdirSync(postgres, { mode: 0o711 });
  if (process.getuid?.() === 0) chmodSync(directory, 0o711);
  return postgres;
}

async function clearLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const directory = join(tmpdir(), name);
    const owner = join(directory, 'owner.json');
    if (!ownedByUs(directory) || !existsSync(owner) || recordedProcess(owner) !== null) continue;
    await endRecorded(join(directory, 'temporal.json'), 'SIGTERM', 3000);
    await endRecorded(join(directory, 'postgres.json'), 'SIGINT', 4000);
    removeRun(directory);
  }
}

function ownedByUs(directory: string): boolean {
  return process.getuid === undefined || statSync(directory).uid === process.getuid();
}

function removeRun(directory: string): void {
  const elsewhere = systemCluster(join(directory, 'postgres'));
  if (elsewhere !== null) for (const path of [elsewhere, `${elsewhere}.ready`]) rmSync(path, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
}
