import { invalidField } from '../shared/errors.ts';
import { FILTER_DIMENSIONS, TIME_DIMENSIONS, type ExpenseDimension, type TagFilter } from './expense-query.ts';
import { normaliseReportName } from './tag-keys.ts';

const NAMED = [...TIME_DIMENSIONS, ...FILTER_DIMENSIONS] as const;
const TAG = 'tag:';
const MAX_GROUPINGS = 2;

/** What may be grouped by, for documentation. */
export const DIMENSION_NAMES: readonly string[] = [...NAMED, 'tag:KEY'];

/**
 * Reads `group_by` values. A tag key may be given as the bill writes it (`user:Team`) or normalised
 * (`user_team`). Refuses unknown names, more than two, and the same one twice.
 */
export function parseGroupBy(texts: readonly string[]): ExpenseDimension[] {
  if (texts.length > MAX_GROUPINGS) throw refuse(`takes at most ${MAX_GROUPINGS} dimensions, and got ${texts.length}`);
  const dimensions = texts.map(parseDimension);
  const labels = dimensions.map(labelOf);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) throw refuse(`names ${twice} twice`);
  return dimensions;
}

function parseDimension(text: string): ExpenseDimension {
  if (text.startsWith(TAG) && text.length > TAG.length) return { kind: 'tag', key: normalisedTagKey(text.slice(TAG.length)) };
  const kind = NAMED.find((name) => name === text);
  if (kind === undefined) throw refuse(`knows no dimension ${JSON.stringify(text.slice(0, 100))}; use one of ${DIMENSION_NAMES.join(', ')}`);
  return { kind };
}

function refuse(problem: string): Error {
  return invalidField('billing.unknown-grouping', 'group_by', problem);
}

/** The name of a dimension as a caller writes it, tag keys normalised. */
export function labelOf(dimension: ExpenseDimension): string {
  return dimension.kind === 'tag' ? `${TAG}${dimension.key}` : dimension.kind;
}

/** A tag key in the form under which resources hold it. A key that consists of other characters only stays as it is. */
export function normalisedTagKey(key: string): string {
  const normalised = normaliseReportName(key);
  return normalised === '' ? key : normalised;
}

/**
 * Reads tag filters: `KEY=VALUE` texts of `tag`, and keys of `untagged`. Values of the same key are
 * alternatives, different keys narrow one another. The key ends at the first `=`.
 */
export function parseTagFilters(tags: readonly string[], untagged: readonly string[]): TagFilter[] {
  const filters = new Map<string, (string | null)[]>();
  const add = (key: string, value: string | null): void => {
    const normalised = normalisedTagKey(key);
    filters.set(normalised, [...(filters.get(normalised) ?? []), value]);
  };
  for (const text of tags) {
    const equals = text.indexOf('=');
    if (equals < 1) throw invalidField('billing.invalid-tag-filter', 'tag', `must be KEY=VALUE, and got ${JSON.stringify(text.slice(0, 100))}; use untagged=KEY for resources without the tag`);
    add(text.slice(0, equals), text.slice(equals + 1));
  }
  for (const key of untagged) add(key, null);
  return [...filters].map(([key, values]) => ({ key, values }));
}
