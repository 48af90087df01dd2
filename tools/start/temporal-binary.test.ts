import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { StartError } from './steps.ts';
import { ensureTemporalBinary } from './temporal-binary.ts';
import { builtPath, downloadedPath } from './temporal-cache.ts';
import { isOlder, parseVersions } from './versions.ts';

const silent = () => undefined;

/** A program that answers `--version` as the Temporal CLI does, which is all that the search asks of it. */
function writeProgram(path: string, serverVersion: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho 'temporal version 1.9.0 (Server ${serverVersion}, UI 2.50.1)'\n`);
  chmodSync(path, 0o755);
  return path;
}

async function inScratch(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'orrery-binary-'));
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('versions are compared by number, not as text', (t) => {
  t.true(isOlder('1.9.9', '1.31.0'));
  t.false(isOlder('1.31.0', '1.31.0'));
  t.false(isOlder('1.32.0-162.0', '1.32.0'));
  t.true(isOlder('1.31', '1.31.1'));
  t.false(isOlder('2.0', '1.31.1'));
});

test('the output of temporal --version is taken apart, and anything else is not', (t) => {
  t.deepEqual(parseVersions('temporal version 1.8.2 (Server 1.32.0, UI 2.50.1)\n'), { cliVersion: '1.8.2', serverVersion: '1.32.0' });
  t.is(parseVersions('bash: temporal: command not found'), null);
});

test('TEMPORAL_CLI_PATH comes before PATH, and PATH before the cache', async (t) => {
  await inScratch(async (directory) => {
    const chosen = writeProgram(join(directory, 'chosen'), '1.33.0');
    const onPath = writeProgram(join(directory, 'bin', 'temporal'), '1.32.5');
    const cached = writeProgram(builtPath(join(directory, 'orrery')), '1.32.0');
    const env = { PATH: `${join(directory, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: directory };
    t.is((await ensureTemporalBinary({ minimum: '1.31.0', log: silent, env: { ...env, TEMPORAL_CLI_PATH: chosen } })).path, chosen);
    t.is((await ensureTemporalBinary({ minimum: '1.31.0', log: silent, env })).path, onPath);
    rmSync(onPath);
    t.is((await ensureTemporalBinary({ minimum: '1.31.0', log: silent, env })).path, cached);
  });
});

test('a server on PATH that is too old is passed over for the cache', async (t) => {
  await inScratch(async (directory) => {
    writeProgram(join(directory, 'bin', 'temporal'), '1.29.1');
    const cached = writeProgram(downloadedPath(join(directory, 'orrery')), '1.32.0');
    const env = { PATH: `${join(directory, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: directory };
    const found = await ensureTemporalBinary({ minimum: '1.31.0', log: silent, env });
    t.deepEqual([found.path, found.serverVersion, found.source], [cached, '1.32.0', 'the user cache']);
  });
});

test('a TEMPORAL_CLI_PATH that cannot serve is an error at once, with the remedy', async (t) => {
  await inScratch(async (directory) => {
    const old = writeProgram(join(directory, 'old'), '1.31.2');
    const env = { PATH: '/usr/bin:/bin', XDG_CACHE_HOME: directory, TEMPORAL_CLI_PATH: old };
    const error = await t.throwsAsync(ensureTemporalBinary({ minimum: '1.32.0', log: silent, env }), { instanceOf: StartError });
    t.regex(error.message, /has server 1\.31\.2, but 1\.32\.0 is needed.*unset it/s);
    const missing = { ...env, TEMPORAL_CLI_PATH: join(directory, 'nowhere') };
    await t.throwsAsync(ensureTemporalBinary({ minimum: '1.31.0', log: silent, env: missing }), { message: /nowhere cannot be run/ });
  });
});
