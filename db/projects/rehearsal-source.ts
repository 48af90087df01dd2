import type { Project } from '../../domain/projects/project.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database } from '../shared/connection.ts';
import { projectsDueUntil } from './project-store.ts';

/** Small enough that rehearsing a page does not keep others waiting. */
const PAGE = 100;

/** Every project of the organization that time alone moves until `to`, in the order of their ids. */
export async function* projectsToRehearse(db: Database, organizationId: string, to: Instant): AsyncGenerator<Project> {
  for (let after = ''; ; ) {
    const page = await projectsDueUntil(db, organizationId, to, { after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}
