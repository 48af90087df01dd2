import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { birthOf, endProcess, endRecorded, pathOfPid, recordedProcess, recordProcess } from './processes.ts';
import type { StartError } from './steps.ts';
import { Supervisor, type Part } from './supervisor.ts';

const directory = mkdtempSync(join(tmpdir(), 'orrery-supervisor-'));
test.after.always(() => rmSync(directory, { recursive: true }));

/** A part that is a real process; `pids` collects each one it was, `onStart` tells of each start. */
function shellPart(name: string, script: string, stopRank: number) {
  const pids: number[] = [];
  const starts = Promise.withResolvers<void>();
  const part: Part = {
    name,
    stopSignal: 'SIGTERM',
    stopMilliseconds: 300,
    stopRank,
    logFile: join(directory, `${name}.log`),
    start(onSpawn) {
      const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
      onSpawn(child);
      pids.push(child.pid ?? 0);
      if (pids.length === 2) starts.resolve();
      return Promise.resolve();
    },
  };
  return { part, pids, startedAgain: starts.promise };
}

test('a part that is killed is started again, and its new process is the recorded one', async (t) => {
  const said: string[] = [];
  const supervisor = new Supervisor(directory, (line) => said.push(line), (reason) => t.fail(reason.message));
  const { part, pids, startedAgain } = shellPart('one', 'exec sleep 60', 0);
  await supervisor.start(part);
  process.kill(pids[0] ?? 0, 'SIGKILL');
  await startedAgain;
  t.is(recordedProcess(pathOfPid(directory, 'one')), pids[1] ?? 0);
  t.regex(said.join('\n'), /one ended \(SIGKILL\)/);
  await supervisor.stop();
  t.is(birthOf(pids[1] ?? 0), null);
  t.false(existsSync(pathOfPid(directory, 'one')));
});

test('a part that keeps ending is given up on, with the reason', async (t) => {
  const given = Promise.withResolvers<StartError>();
  const supervisor = new Supervisor(directory, () => undefined, given.resolve);
  const { part, pids } = shellPart('two', 'exit 3', 0);
  await supervisor.start(part);
  t.regex((await given.promise).message, /two ended \d+ times within a minute/);
  t.true(pids.length > 2);
  await supervisor.stop();
});

test('a part that does not end when asked is killed, and the lower rank only then asked', async (t) => {
  const supervisor = new Supervisor(directory, () => undefined, (reason) => t.fail(reason.message));
  const stubborn = shellPart('three', "trap '' TERM; while :; do sleep 0.05; done", 1);
  const polite = shellPart('four', 'exec sleep 60', 0);
  await supervisor.start(polite.part);
  await supervisor.start(stubborn.part);
  await supervisor.stop();
  t.is(birthOf(stubborn.pids[0] ?? 0), null);
  t.is(birthOf(polite.pids[0] ?? 0), null);
  t.is(polite.pids.length, 1);
});

test('a recorded process is known by when it began, so that another with its id is left alone', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const file = join(directory, 'run', 'stranger.json');
  recordProcess(file, child.pid ?? 0);
  t.is(recordedProcess(file), child.pid ?? 0);
  recordProcess(file, process.pid);
  t.true(await endProcess(child.pid ?? 0, 'SIGTERM', 5000));
  t.is(birthOf(child.pid ?? 0), null);
  recordProcess(file, child.pid ?? 0);
  t.false(await endRecorded(file, 'SIGTERM', 1000));
});
