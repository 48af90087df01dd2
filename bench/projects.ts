import { startDatabases } from './database.ts';
import type { BenchOptions, Say } from './options.ts';
import { benchProjectQuota } from './projects-quota.ts';
import type { Goal } from './report.ts';

/** `npm run bench -- projects`: what holding quota costs beside the UPDATE it cannot do without. */
export async function benchProjects(options: BenchOptions, say: Say): Promise<Goal[]> {
  const databases = await startDatabases(say);
  try {
    return [...(await benchProjectQuota(databases, options, say))];
  } finally {
    await databases.stop();
  }
}
