import { invalidField } from '../shared/errors.ts';
import type { Cloud, InstanceState } from './instance.ts';

export const INSTANCE_SORTS = ['name', 'state', 'launched'] as const;
export type InstanceSort = (typeof INSTANCE_SORTS)[number];

/** Which instances to list. Values of one filter are alternatives, filters narrow one another. */
export interface InstanceQuery {
  /** Looked for in name and native id, without case. */
  search: string | null;
  dataSource: readonly string[];
  cloud: readonly Cloud[];
  region: readonly string[];
  state: readonly InstanceState[];
  /** The cloud's names of sizes. */
  type: readonly string[];
  /** Null: either. */
  canStop: boolean | null;
  /** Keys as the cloud writes them: the same that select instances for schedules. */
  tags: readonly { key: string; values: readonly string[] }[];
  gone: 'exclude' | 'include' | 'only';
  sort: InstanceSort;
  descending: boolean;
}

/** Reads `KEY=VALUE` texts: values of one key are alternatives. The key ends at the first `=`. */
export function parseInstanceTags(texts: readonly string[]): InstanceQuery['tags'] {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals < 1) throw invalidField('resources.invalid-tag-filter', 'tag', `must be KEY=VALUE, and got ${JSON.stringify(text.slice(0, 100))}`);
    const key = text.slice(0, equals);
    filters.set(key, [...(filters.get(key) ?? []), text.slice(equals + 1)]);
  }
  return [...filters].map(([key, values]) => ({ key, values }));
}
