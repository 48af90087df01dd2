import { join } from 'node:path';
import { ensurePythonPeers } from '../python-peers.ts';
import { step } from '../start/steps.ts';
import { filesReaching } from './reaching.ts';

const PYTHON_PEERS = join('tools', 'python-peers.ts');

export interface Peers {
  /** Test files that cannot run. */
  leftOut: string[];
  /** Why, if any. */
  reason: string | null;
}

/**
 * Makes the Python peers ready and answers which test files must be left out: none, or, where they cannot be had,
 * all that reach them by their imports, with `reason` for the summary.
 *
 * @throws what their installation met where `required`: a missing peer fails a continuous integration run.
 */
export async function preparePeers(root: string, required: boolean): Promise<Peers> {
  try {
    await step('Python peers', (say) => ensurePythonPeers(say));
    return { leftOut: [], reason: null };
  } catch (error) {
    if (required) throw error;
    return { leftOut: filesReaching(root, PYTHON_PEERS), reason: (error as Error).message };
  }
}
