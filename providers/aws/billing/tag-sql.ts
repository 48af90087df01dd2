import { sourceTagKey, tagKeysOf } from '../../../domain/billing/tag-keys.ts';
import type { TagKey } from '../../../domain/billing/tag-keys.ts';
import { sqlText } from '../../duckdb/duckdb-process.ts';
import type { DuckDbProcess } from '../../duckdb/duckdb-process.ts';
import type { FileSource } from './line-sql.ts';

type TagMap = 'tags' | 'resource_tags';

const RAW_TABLE = 'file_raw_tags';

/** The columns by which lines are grouped so that each group has one set of tags. */
export function tagGroupColumns(source: FileSource): string[] {
  const maps = tagMaps(source).map((map) => `map_${map}`);
  return [...source.positions.tags.map((_, order) => `tag_${order}`), ...maps];
}

/** `tags` keeps keys as they are and goes before `resource_tags`, whose keys AWS has normalised. */
function tagMaps(source: FileSource): TagMap[] {
  return (['tags', 'resource_tags'] as const).filter((map) => source.positions.maps[map] !== undefined);
}

/** The table of a file's distinct sets of tags: its tag columns as the file has them, and `tags`, a JSON object with sorted keys. */
export const TAGS_TABLE = 'file_tags';

/** Finds a group's set of tags, as the condition of a join of the groups with `TAGS_TABLE`. */
export function tagsJoinSql(source: FileSource, groups: string): string {
  const same = tagGroupColumns(source).map((column) => `${groups}.${column} IS NOT DISTINCT FROM ${TAGS_TABLE}.${column}`);
  return same.length === 0 ? 'true' : same.join(' AND ');
}

export interface TagReading {
  keys: TagKey[];
  warnings: string[];
}

/**
 * Makes `TAGS_TABLE` of the groups in `groups`: each distinct set of tags becomes one JSON text, the same for every
 * format of the bill.
 */
export async function readTags(duckDb: DuckDbProcess, source: FileSource, groups: string): Promise<TagReading> {
  const columns = tagGroupColumns(source);
  const raw = `SELECT ${[...columns, 'sum(rows) AS rows'].join(', ')} FROM ${groups} GROUP BY ALL`;
  await duckDb.run(`CREATE OR REPLACE TEMP TABLE ${RAW_TABLE} AS ${raw}`);
  const keys = tagKeysOf(source.positions.tags.map(({ sourceKey }) => sourceKey));
  const entries = source.positions.tags.flatMap(({ sourceKey }, order) => {
    const key = keys.find((candidate) => candidate.sourceKey === sourceKey)?.normalisedKey ?? sourceKey;
    return [`CASE WHEN tag_${order} IS NOT NULL THEN {'key': ${sqlText(key)}, 'value': tag_${order}} END`];
  });
  const lists = entries.length > 0 ? [`list_filter([${entries.join(', ')}], lambda e: e IS NOT NULL)`] : [];
  const warnings = [...collisions(keys)];
  for (const map of tagMaps(source)) {
    const read = await readMap(duckDb, source, map);
    lists.push(read.sql);
    keys.push(...read.keys.filter((key) => !keys.some((known) => known.normalisedKey === key.normalisedKey)));
    warnings.push(...read.warnings);
  }
  await duckDb.run(`CREATE OR REPLACE TEMP TABLE ${TAGS_TABLE} AS SELECT *, ${jsonSql(lists)} AS tags FROM ${RAW_TABLE}`);
  return { keys: keys.filter((key) => key.sourceKey !== key.normalisedKey), warnings };
}

function collisions(keys: TagKey[]): string[] {
  return keys
    .filter(({ sourceKey, normalisedKey }) => sourceKey === normalisedKey && /[^a-z0-9_]/.test(sourceKey))
    .map(({ sourceKey }) => `The tag ${sourceKey} has the normalised name of another tag and is kept under its own.`);
}

async function readMap(duckDb: DuckDbProcess, source: FileSource, map: TagMap): Promise<TagReading & { sql: string }> {
  const column = `map_${map}`;
  const entries = `TRY_CAST(TRY_CAST(${column} AS JSON) AS MAP(VARCHAR, VARCHAR))`;
  const found = await duckDb.run(`SELECT DISTINCT unnest(map_keys(${entries})) AS key FROM ${RAW_TABLE} ORDER BY key`);
  const [unread] = await duckDb.run(
    `SELECT CAST(coalesce(sum(rows), 0) AS VARCHAR) AS rows FROM ${RAW_TABLE} WHERE ${column} IS NOT NULL AND ${entries} IS NULL`,
  );
  const warnings = unread?.['rows'] === '0' ? [] : [`${source.key}: ${String(unread?.['rows'])} line(s) have ${map} that are not a JSON object; their costs are kept without tags.`];
  const keyOf = mapKeys(found.map((row) => String(row['key'])), map);
  if (keyOf.length === 0) return { sql: '[]', keys: [], warnings };
  const names = `MAP {${keyOf.map(({ mapKey, key }) => `${sqlText(mapKey)}: ${sqlText(key.normalisedKey)}`).join(', ')}}`;
  const sql =
    `list_filter(list_transform(map_entries(${entries}), ` +
    `lambda e: {'key': ${names}[e.key], 'value': CAST(e.value AS VARCHAR)}), lambda e: e.key IS NOT NULL AND coalesce(e.value, '') <> '')`;
  const keys = keyOf.map(({ key }) => key);
  return { sql, keys: map === 'tags' ? keys : [], warnings: [...warnings, ...collisions(keys)] };
}

function mapKeys(found: string[], map: TagMap): { mapKey: string; key: TagKey }[] {
  const pairs = found.flatMap((mapKey) => {
    const sourceKey = map === 'tags' ? sourceTagKey(mapKey) : mapKey;
    return sourceKey === null ? [] : [{ mapKey, sourceKey }];
  });
  const keys = tagKeysOf(pairs.map(({ sourceKey }) => sourceKey));
  return pairs.flatMap(({ mapKey, sourceKey }) => {
    const key = keys.find((candidate) => candidate.sourceKey === sourceKey);
    return key === undefined ? [] : [{ mapKey, key }];
  });
}

/** The first list that has a key gives its value. Keys sort by their bytes. */
function jsonSql(lists: string[]): string {
  if (lists.length === 0) return "'{}'";
  const all = lists.length === 1 ? (lists[0] ?? '[]') : lists.reduceRight((later, first) => `tags_before(coalesce(${first}, []), coalesce(${later}, []))`);
  return `tags_json(coalesce(${all}, []))`;
}

export const TAG_MACROS = [
  `CREATE OR REPLACE TEMP MACRO tags_before(a, b) AS
     list_concat(a, list_filter(b, lambda e: NOT list_contains(list_transform(a, lambda x: x.key), e.key)))`,
  `CREATE OR REPLACE TEMP MACRO tags_json(entries) AS concat('{', array_to_string(list_transform(list_sort(entries),
     lambda e: concat(CAST(to_json(e.key) AS VARCHAR), ':', CAST(to_json(e.value) AS VARCHAR))), ','), '}')`,
] as const;
