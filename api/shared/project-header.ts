import { invalidField } from '../../domain/shared/errors.ts';
import { isIdOf } from '../../domain/shared/ids.ts';
import { z } from './zod.ts';

/** Names the project that a call is for, as the console's switcher has it. Read for operations that declare `projectHeader`. */
export const PROJECT_HEADER = 'Orrery-Project';

/** How the header is documented. */
export const projectHeaderField = z.string().optional().openapi({
  description: 'The project to work in, where the body takes a project_id and names none. One that differs from the body’s is refused: projects.header-differs.',
  example: 'prj_01h2xcejqtf2nbrexx3vqjhp41',
});

/**
 * A body with the project it is for: its own `project_id`, else the header's, where a body like it takes one; null is said,
 * and means none. A header beside a body that takes none is without effect. Refuses a header that is no project's id,
 * `projects.malformed-header`, and one that names another project than the body: `projects.header-differs`.
 */
export function withProjectOf(header: string | undefined, schema: z.ZodType | null, body: unknown): unknown {
  if (header === undefined || header === '') return body;
  if (!isIdOf('project', header)) throw invalidField('projects.malformed-header', PROJECT_HEADER, 'must be the id of a project, like prj_…; or leave it out');
  if (!isRecord(body) || !takesProject(schema, body)) return body;
  const said = body.project_id;
  if (said === undefined) return { ...body, project_id: header };
  if (said !== header) {
    throw invalidField('projects.header-differs', 'project_id', `is ${JSON.stringify(said)}, but ${PROJECT_HEADER} names ${header}; send one of them, or both alike`);
  }
  return body;
}

/** Whether a body of this schema may name a project: this body where it is given, and else any. */
export function takesProject(schema: z.ZodType | null, body?: Record<string, unknown>): boolean {
  if (schema instanceof z.ZodObject) return 'project_id' in schema.shape;
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return false;
  const { discriminator } = schema.def;
  return (schema.options as z.ZodObject[]).some((option) => takesProject(option) && (body === undefined || isSaid(option.shape[discriminator], body[discriminator])));
}

function isSaid(schema: unknown, value: unknown): boolean {
  return schema instanceof z.ZodType && schema.safeParse(value).success;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
