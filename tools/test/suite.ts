import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { elapsed, StartError, step } from '../start/steps.ts';
import { readTally, type Tally } from './ava-summary.ts';
import { buildWorkflowBundle } from './bundle.ts';
import { preparePeers, type Peers } from './peers.ts';
import { startServers } from './servers.ts';

const root = join(import.meta.dirname, '..', '..');
const bin = (name: string) => join(root, 'node_modules', '.bin', name);

export interface Suite {
  name: string;
  /** Test files to run alone; none means all, and the types and lint besides. */
  files: string[];
  environment: Record<string, string>;
  avaFlags?: string[];
}

const checks: [title: string, command: string, args: string[]][] = [
  ['types', 'tsc', ['--noEmit']],
  ['lint', 'oxlint', ['--deny-warnings']],
  ['lint with types', 'oxlint', ['--deny-warnings', '--type-aware']],
];

/**
 * Runs types, lint and tests against one PostgreSQL and one Temporal server, and ends with the line
 * `N passed, N failed`, in which each check counts as one. Answers the exit code.
 */
export async function runSuite(suite: Suite): Promise<number> {
  const began = performance.now();
  const children = new Set<ChildProcess>();
  const interruption = forwardSignals(children);
  const tally: Tally = { passed: 0, failed: 0 };
  const notes: string[] = [];
  try {
    const peers = await prepare(suite, children, tally);
    if (peers.reason !== null) notes.push(`Left out, because the Python peers are missing: ${peers.leftOut.join(', ')}\n${peers.reason}`);
    const tests = await runTests(suite, children, interruption, peers.leftOut);
    tally.passed += tests.passed;
    tally.failed += tests.failed;
  } catch (error) {
    tally.failed += 1;
    console.error(error instanceof StartError ? error.message : error);
  }
  for (const note of notes) console.log(`\n${note}`);
  console.log(`\n${suite.name} took ${elapsed(began)}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0 ? 0 : 1;
}

/** Checks types and lint beside the installation of the Python peers, which mostly waits for the network. */
async function prepare(suite: Suite, children: Set<ChildProcess>, tally: Tally): Promise<Peers> {
  const peers = preparePeers(root, Boolean(process.env.CI));
  const ends = await Promise.allSettled([suite.files.length === 0 ? runChecks(children, tally) : null, peers]);
  // Both have come to their ends: no child works on behind the summary.
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return await peers;
}

async function runChecks(children: Set<ChildProcess>, tally: Tally): Promise<void> {
  for (const [title, command, args] of checks) {
    const { code, output } = await runCommand(bin(command), args, {}, children, false);
    tally[code === 0 ? 'passed' : 'failed'] += 1;
    console.log(code === 0 ? `✓ ${title}` : `${output}\n✗ ${title}`);
  }
}

async function runTests(suite: Suite, children: Set<ChildProcess>, interruption: AbortSignal, leftOut: string[]): Promise<Tally> {
  const servers = await startServers();
  try {
    const bundle = await step('workflow bundle', () => buildWorkflowBundle(servers.directory));
    const environment = {
      ...suite.environment,
      ORRERY_TEST_DATABASE_URL: servers.databaseUrl,
      ORRERY_TEST_TEMPORAL_ADDRESS: servers.temporalAddress,
      ORRERY_TEST_TEMPORAL_CLI: servers.temporalCli,
      ORRERY_TEST_BUNDLE: bundle,
    };
    interruption.throwIfAborted();
    // ava takes exclusions only beside inclusions.
    const included = suite.files.length > 0 || leftOut.length === 0 ? suite.files : ['**/*.test.ts'];
    const patterns = [...included, ...leftOut.map((file) => `!${file}`)];
    const { code, output } = await runCommand(bin('ava'), [...(suite.avaFlags ?? []), ...patterns], environment, children, true);
    return readTally(output, code);
  } finally {
    await servers.stop();
  }
}

async function runCommand(
  command: string,
  args: string[],
  environment: Record<string, string>,
  children: Set<ChildProcess>,
  show: boolean,
): Promise<{ code: number; output: string }> {
  // The tools' own launchers say `env node`: that must be the Node of this process, not the system's.
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...environment, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (show) process.stdout.write(chunk);
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    return { code: code ?? 1, output: Buffer.concat(chunks).toString() };
  } finally {
    children.delete(child);
  }
}

/** An interrupted run still stops its servers: the tests end, or never begin, and the run falls through to its end. */
function forwardSignals(children: Set<ChildProcess>): AbortSignal {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      interruption.abort(new StartError(`Interrupted by ${name}.`));
      for (const child of children) child.kill(name);
    });
  }
  return interruption.signal;
}
