import { ID_PREFIXES, isIdOf, type IdKind } from '../../domain/shared/ids.ts';
import { toInstant } from '../../domain/shared/time.ts';
import { z } from './zod.ts';

/** An id of this kind, in its TypeID form. */
export function idOf(kind: IdKind): z.ZodString {
  return z
    .string()
    .refine((value) => isIdOf(kind, value), { error: `must be the id of a ${kind.replaceAll('-', ' ')}, like ${ID_PREFIXES[kind]}_…` })
    .openapi({ pattern: `^${ID_PREFIXES[kind]}_[0-7][0-9a-hjkmnp-tv-z]{25}$` });
}

/** Path parameters of a collection in an organization. */
export const inOrganization = z.strictObject({ organization_id: idOf('organization') });

/** An RFC 3339 instant from a caller, with any offset; becomes UTC with milliseconds. */
export const instantInput = z.iso
  .datetime({ offset: true, error: 'must be an instant as in RFC 3339, like 2026-11-21T07:00:00Z' })
  .transform((value) => toInstant(value));

/** An instant in an answer: RFC 3339, UTC, milliseconds. */
export const instant = z.iso.datetime({ precision: 3 });

/** `true` or `false` in a query. */
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** Text in a query that is searched for, without case. */
export const searchText = z.string().trim().min(1).max(200);

/** A code, a message and what it was about, as a row keeps it of a failure. */
export const errorRecord = z.strictObject({
  code: z.string(),
  kind: z.string(),
  message: z.string(),
  fields: z.array(z.strictObject({ field: z.string(), problem: z.string() })).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
