import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ensurePythonPeers } from '../../../tools/python-peers.ts';
import type { Peer } from './peer.ts';

// Ends with the test process whatever happens to it: when that dies, its end of the pipe closes.
const ENDS_WITH_PARENT = [
  'import os, sys, threading',
  'def wait():',
  '    sys.stdin.buffer.read()',
  '    os._exit(0)',
  'threading.Thread(target=wait, daemon=True).start()',
].join('\n');

export interface PythonProcess {
  /** Python source that serves until killed. */
  program: string;
  env: Record<string, string>;
  /** Finds the address in what the process prints, null as long as it is not there. */
  addressIn(output: string): string | null;
}

/** Starts a Python peer and waits until it says where it listens. */
export async function startPythonPeer({ program, env, addressIn }: PythonProcess): Promise<Peer> {
  const { python } = await ensurePythonPeers();
  const child = spawn(python, ['-u', '-c', `${ENDS_WITH_PARENT}\n${program}`], {
    env: { ...process.env, PYTHONUNBUFFERED: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const url = await announcedBy(child, addressIn);
  return { url, stop: () => stop(child) };
}

async function announcedBy(child: ChildProcess, addressIn: (output: string) => string | null): Promise<string> {
  let output = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const read = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    const address = addressIn(output);
    if (address === null) return;
    output = '';
    resolve(address);
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`The peer ended with ${code} before it listened:\n${output}`)));
  return promise;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
