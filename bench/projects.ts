import { startDatabases } from './database.ts';
import type { BenchOptions, Say } from './options.ts';
import { benchProjectExpiry } from './projects-expiry.ts';
import { benchProjectList } from './projects-list.ts';
import { benchProjectQuota } from './projects-quota.ts';
import type { Goal } from './report.ts';

/** `npm run bench -- projects`: holding quota, listing projects, and many that end together. */
export async function benchProjects(options: BenchOptions, say: Say): Promise<Goal[]> {
  const databases = await startDatabases(say);
  try {
    const goals = [...(await benchProjectQuota(databases, options, say)), ...(await benchProjectList(databases, options, say))];
    await benchProjectExpiry(databases, options, say);
    return goals;
  } finally {
    await databases.stop();
  }
}
