import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** Bundles all workflows once for the whole run: each worker would otherwise do it again, a second each. */
export async function buildWorkflowBundle(directory: string): Promise<string> {
  const workflowsPath = join(import.meta.dirname, '..', '..', 'workflows', 'index.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const path = join(directory, 'workflows.bundle.js');
  writeFileSync(path, code);
  return path;
}
