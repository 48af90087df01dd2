import { invalidField } from '../../domain/shared/errors.ts';
import { isIdOf } from '../../domain/shared/ids.ts';
import type { RequestContext } from './operation.ts';
import { z } from './zod.ts';

/** Names the project that a call is for, as the console's switcher has it. Read by operations that declare `projectHeader`. */
export const PROJECT_HEADER = 'Orrery-Project';

/** How the header is documented. */
export const projectHeaderField = z.string().optional().openapi({
  description: 'The project to work in, where the body names none. One that differs from the body’s is refused: projects.header-differs.',
  example: 'prj_01h2xcejqtf2nbrexx3vqjhp41',
});

/**
 * The project a call is for: the body's, else the header's, else null. Refuses a header that is no project's id,
 * `projects.malformed-header`, and one that names another than the body: `projects.header-differs`.
 *
 * @param said what the body says; undefined where it says nothing, null where it says: none.
 */
export function projectOf(context: Pick<RequestContext, 'header'>, said: string | null | undefined): string | null {
  const header = context.header(PROJECT_HEADER);
  if (header === undefined || header === '') return said ?? null;
  if (!isIdOf('project', header)) throw invalidField('projects.malformed-header', PROJECT_HEADER, 'must be the id of a project, like prj_…; or leave it out');
  if (said !== undefined && said !== header) {
    throw invalidField('projects.header-differs', 'project_id', `is ${said ?? 'null'}, but ${PROJECT_HEADER} names ${header}; send one of them, or both alike`);
  }
  return header;
}
