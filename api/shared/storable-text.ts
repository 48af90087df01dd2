import type { FieldProblem } from '../../domain/shared/errors.ts';

/** Text that PostgreSQL cannot hold (a NUL, half a surrogate pair), by the path of its field. */
export function unstorableText(value: unknown, path: readonly string[] = []): FieldProblem[] {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return [];
    return [{ field: path.join('.') || 'body', problem: 'holds a NUL or half a character; remove it' }];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, part]) => unstorableText(part, [...path, name]));
}
