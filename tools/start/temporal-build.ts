import { execFile, spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { builtPath, modulesDirectory } from './temporal-cache.ts';
import { elapsed, StartError, type Log } from './steps.ts';
import { isOlder } from './versions.ts';

const run = promisify(execFile);

// The `go` line of tools/temporal-server/go.mod; from 1.21 on, go fetches the toolchain that a module asks for.
const NEEDED_GO = '1.26.8';
const OLDEST_GO_THAT_FETCHES = '1.21.0';
const PACKAGES = 1795;
const SAY_EVERY_MILLISECONDS = 5000;
const CLI_VERSION = '1.8.2';

/**
 * Builds the Temporal CLI with its server and Web UI from the Go modules pinned by tools/temporal-server/go.mod and
 * go.sum, into the user cache. Takes two to six minutes on two cores the first time.
 *
 * @throws StartError without a usable Go, or with what the build said last.
 */
export async function buildTemporal(cache: string, log: Log, env: NodeJS.ProcessEnv): Promise<{ path: string; source: string }> {
  const goVersion = await findGo(env);
  const path = builtPath(cache);
  const unfinished = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  log('Building the Temporal server from Go modules (two to six minutes the first time)');
  const goEnv = { ...env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off', ...(isOlder(goVersion, NEEDED_GO) && { GOTOOLCHAIN: 'auto' }) };
  try {
    await build(unfinished, goEnv, log);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return { path, source: 'a build from Go modules' };
}

async function findGo(env: NodeJS.ProcessEnv): Promise<string> {
  let output: string;
  try {
    output = (await run('go', ['env', 'GOVERSION'], { env: { ...env, GOTOOLCHAIN: 'local' }, timeout: 20_000 })).stdout;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new StartError(missing ? 'A build from Go modules needs Go, which is not on PATH.' : `Go does not run: ${(error as Error).message}`, { cause: error });
  }
  const version = output.trim().replace(/^go/, '');
  if (isOlder(version, OLDEST_GO_THAT_FETCHES)) {
    throw new StartError(`Go ${version} is too old to build the Temporal server; ${NEEDED_GO} is needed, or any from ${OLDEST_GO_THAT_FETCHES} on with access to the Go module proxy.`);
  }
  return version;
}

async function build(output: string, env: NodeJS.ProcessEnv, log: Log): Promise<void> {
  const began = performance.now();
  const child = spawn(
    'go',
    ['build', '-v', '-ldflags', `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${CLI_VERSION}`, '-o', output, 'github.com/temporalio/cli/cmd/temporal'],
    { cwd: modulesDirectory, env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let [modules, packages] = [0, 0];
  const last: string[] = [];
  const say = () => log(`downloaded ${modules} modules, compiled ${packages} of at most ${PACKAGES} packages, ${elapsed(began)}`);
  const timer = setInterval(say, SAY_EVERY_MILLISECONDS);
  const lines = createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('go: downloading ')) modules += 1;
    else if (/^[\w./~-]+$/.test(line)) packages += 1;
    else last.push(line);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new StartError(`The build from Go modules failed: ${last.slice(-4).join(' ') || `go build ended with ${code}`}`);
    say();
  } finally {
    clearInterval(timer);
    lines.close();
  }
}
