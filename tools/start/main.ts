import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config.ts';
import { migrate } from '../../db/migrate.ts';
import { closingBlock } from './closing-block.ts';
import { embeddedEnvironment } from './environment.ts';
import { prepareFirstRun } from './first-run.ts';
import { readOptions, usage, type StartOptions } from './options.ts';
import { platformPart, postgresPart, temporalPart } from './parts.ts';
import { requireFree } from './ports.ts';
import { endRecorded, pathOfPid, recordedProcess, recordProcess } from './processes.ts';
import { reasonOf, StartError, step } from './steps.ts';
import { Supervisor } from './supervisor.ts';
import { ensureTemporalBinary } from './temporal-binary.ts';

const MINIMUM_TEMPORAL_SERVER = '1.31.0';
// A second Ctrl-C within this time is the same one, come by two ways: from the terminal and forwarded by npm.
const SAME_INTERRUPT_MILLISECONDS = 1000;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.cwd(), process.env);
  if (options.help) {
    console.log(usage);
    return;
  }
  prepareDataDirectory(options.dataDirectory);
  const supervisor = new Supervisor(
    options.dataDirectory,
    (line) => console.log(line),
    (reason) => void end(supervisor, 1, reason.message),
  );
  stopOnSignals(supervisor);
  try {
    await start(options, supervisor);
  } catch (error) {
    // While stopping, whatever was being started fails because its process was ended.
    if (!supervisor.stopping) await end(supervisor, 1, reasonOf(error));
  }
}

async function start(options: StartOptions, supervisor: Supervisor): Promise<void> {
  const began = performance.now();
  await endLeftovers(options.dataDirectory);
  await requirePorts(options);
  const databaseUrl = await startDatabase(options, supervisor);
  const temporalAddress = await startTemporal(options, supervisor);
  const env = embeddedEnvironment(options, { databaseUrl, temporalAddress }, process.env);
  const config = loadConfig(env);
  await step('Database schema', async (say) => {
    const ran = await migrate(config.databaseUrl);
    say(ran.length === 0 ? 'up to date' : `${ran.length} migrations`);
  });
  const firstRun = await prepareFirstRun(options, config, (reason) => {
    // While stopping, it fails because the platform ends.
    if (!supervisor.stopping) console.error('! The demonstration is not complete; the next npm start goes on with it. The reason:', reason);
  });
  const platform = [platformPart('workers', options, env), platformPart('api', options, env)];
  await step('Workers and API', () => Promise.all(platform.map((part) => supervisor.start(part))));
  const facts = await firstRun.finish();
  console.log(
    closingBlock({
      ...facts,
      apiUrl: config.http.publicUrl,
      temporalUiUrl: process.env.TEMPORAL_ADDRESS ? null : `http://127.0.0.1:${options.temporalUiPort}`,
      dataDirectory: options.dataDirectory === readOptions([], process.cwd()).dataDirectory ? null : options.dataDirectory,
      logDirectory: join(options.dataDirectory, 'logs'),
      mailDirectory: config.mail.kind === 'directory' ? config.mail.path : null,
      tookSeconds: (performance.now() - began) / 1000,
    }),
  );
}

/** Before anything is started: a start that cannot succeed leaves nothing behind. */
async function requirePorts(options: StartOptions): Promise<void> {
  await requireFree(options.port, 'the API', options.portSetting);
  if (process.env.TEMPORAL_ADDRESS) return;
  await requireFree(options.temporalPort, 'the Temporal server', '--temporal-port');
  await requireFree(options.temporalUiPort, 'the Temporal Web UI', '--temporal-ui-port');
}

async function startDatabase(options: StartOptions, supervisor: Supervisor): Promise<string> {
  const given = process.env.DATABASE_URL;
  if (given) return given;
  let databaseUrl = '';
  await step('PostgreSQL', (say) =>
    supervisor.start(
      postgresPart(options, say, (url) => {
        databaseUrl = url;
      }),
    ),
  );
  return databaseUrl;
}

async function startTemporal(options: StartOptions, supervisor: Supervisor): Promise<string> {
  const given = process.env.TEMPORAL_ADDRESS;
  if (given) return given;
  const binary = await step('Temporal program', (say) => ensureTemporalBinary({ minimum: MINIMUM_TEMPORAL_SERVER, log: say }));
  await step(`Temporal server ${binary.serverVersion}, from ${binary.source}`, () => supervisor.start(temporalPart(options, binary.path)));
  return `127.0.0.1:${options.temporalPort}`;
}

/** Made for the owner alone; root must let PostgreSQL's own user pass through to its cluster. */
function prepareDataDirectory(directory: string): void {
  const isRoot = process.getuid?.() === 0;
  mkdirSync(directory, { recursive: true, mode: isRoot ? 0o711 : 0o700 });
  if (isRoot) chmodSync(directory, 0o711);
  const record = pathOfPid(directory, 'supervisor');
  const other = recordedProcess(record);
  if (other !== null) throw new StartError(`Orrery already runs on ${directory} (process ${other}). Stop it there with Ctrl-C, or choose another directory with --data-dir.`);
  recordProcess(record, process.pid);
}

/** What a killed run left, in the order of an orderly stop. PostgreSQL's own leftover is found by its start. */
async function endLeftovers(dataDirectory: string): Promise<void> {
  const parts = [['api', 'SIGTERM'], ['workers', 'SIGTERM'], ['temporal', 'SIGTERM']] as const;
  for (const [name, politely] of parts) {
    if (await endRecorded(pathOfPid(dataDirectory, name), politely, 3000)) console.log(`Stopped the ${name} that an earlier run left`);
  }
}

function stopOnSignals(supervisor: Supervisor): void {
  let firstAt = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => {
      if (!supervisor.stopping) {
        firstAt = performance.now();
        console.log('\nStopping');
        void end(supervisor, 0);
      } else if (performance.now() - firstAt > SAME_INTERRUPT_MILLISECONDS) {
        supervisor.kill();
        process.exit(1);
      }
    });
  }
}

async function end(supervisor: Supervisor, exitCode: number, reason?: unknown): Promise<void> {
  if (reason !== undefined) console.error(reason);
  await supervisor.stop();
  process.exit(exitCode);
}

try {
  await main();
} catch (error) {
  console.error(reasonOf(error));
  process.exit(1);
}
