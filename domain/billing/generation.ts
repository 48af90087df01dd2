import type { BillDialect, DiscoveredPeriod } from './ports.ts';

/** What tells one generation of a month's numbers from another. */
export interface GenerationMarks {
  dialect: BillDialect;
  objects: { key: string; etag: string }[];
  /** Which accounts' rows were taken. */
  takenAccounts: 'all' | string[];
}

/** Whether the export holds something else for a period than what its current numbers were made of. */
export function isChanged(
  current: GenerationMarks | null,
  discovered: Pick<DiscoveredPeriod, 'dialect' | 'objects'>,
  takenAccounts: 'all' | string[],
): boolean {
  if (current === null || current.dialect !== discovered.dialect) return true;
  if (JSON.stringify(current.takenAccounts) !== JSON.stringify(takenAccounts)) return true;
  return marksOf(current.objects) !== marksOf(discovered.objects);
}

function marksOf(objects: GenerationMarks['objects']): string {
  return JSON.stringify(objects.map(({ key, etag }) => [key, etag]));
}
