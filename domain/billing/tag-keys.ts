/**
 * Turns a name of a cost report into the form Athena, legacy Parquet reports and CUR 2.0 use:
 * `_` before each capital, lower case, every other character to `_`, repeated `_` collapsed,
 * leading and trailing `_` dropped. Idempotent. It cannot be undone: two names may become one.
 * Source: AWS Cost and Usage Report user guide, "Running Amazon Athena queries", column names.
 */
export function normaliseReportName(name: string): string {
  return name
    .replaceAll(/[A-Z]/g, (capital) => `_${capital}`)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
}

/** Prefix of tag columns in a legacy CSV and of the keys of the CUR 2.0 `tags` map. */
export const RESOURCE_TAG_PREFIX = 'resourceTags/';

/** Prefix of tag columns in a legacy Parquet report. */
export const RESOURCE_TAG_SNAKE_PREFIX = 'resource_tags_';

/**
 * The cost allocation tag's own key (`user:Team`, `aws:createdBy`) of a key of the CUR 2.0 `tags`
 * map, or null when the entry is no resource tag (account tags, cost categories, user attributes).
 * Where the export leaves out `user:`, it is put back, so that it is the legacy report's key.
 */
export function sourceTagKey(tagsMapKey: string): string | null {
  if (!tagsMapKey.startsWith(RESOURCE_TAG_PREFIX)) return null;
  const key = tagsMapKey.slice(RESOURCE_TAG_PREFIX.length);
  return key.startsWith('user:') || key.startsWith('aws:') ? key : `user:${key}`;
}

/** One tag of a line: the key as the bill writes it and the key under which it is kept. */
export interface TagKey {
  sourceKey: string;
  normalisedKey: string;
}

/**
 * The keys under which tags are kept, in the order of the bill. The first source key with a
 * normalised form gets it; a later one that collides is kept under its source key, so that no
 * value is lost and no value replaces another.
 */
export function tagKeysOf(sourceKeys: readonly string[]): TagKey[] {
  const taken = new Set<string>();
  return [...new Set(sourceKeys)].map((sourceKey) => {
    const normalised = normaliseReportName(sourceKey);
    const normalisedKey = normalised === '' || taken.has(normalised) ? sourceKey : normalised;
    taken.add(normalisedKey);
    return { sourceKey, normalisedKey };
  });
}
