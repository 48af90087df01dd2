import type { Peer } from './peer.ts';
import { startPythonPeer } from './python-process.ts';

export interface MotoPeer extends Peer {
  /** From now on signatures and IAM rights are checked. Set everything up before. */
  enforceAuth(): Promise<void>;
  /** Runs some more setting up, or a look, without checks. */
  unchecked<T>(run: () => Promise<T>): Promise<T>;
}

/** The account that moto's users belong to. */
export const MOTO_ACCOUNT = '123456789012';
/** Any key will do while rights are not enforced. */
export const MOTO_SETUP_KEY = { accessKeyId: 'AKIASETUPSETUPSETUP0', secretAccessKey: 'set-up-only' };

/** Starts moto (S3, STS, IAM) without checks, on a port of the system's choice. */
export async function startMoto(): Promise<MotoPeer> {
  const peer = await startPythonPeer({
    program: "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])",
    env: {},
    addressIn: (output) => /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1] ?? null,
  });
  // The number is how many calls are still let through unchecked.
  const resetAuth = async (unchecked: number): Promise<void> => {
    const answer = await fetch(`${peer.url}/moto-api/reset-auth`, { method: 'POST', body: String(unchecked) });
    if (!answer.ok) throw new Error(`moto answered ${answer.status} to reset-auth`);
  };
  const unchecked = async <T>(run: () => Promise<T>): Promise<T> => {
    await resetAuth(1_000_000);
    try {
      return await run();
    } finally {
      await resetAuth(0);
    }
  };
  return { ...peer, enforceAuth: () => resetAuth(0), unchecked };
}
