import { invalidField } from '../shared/errors.ts';

/** Free text by name. */
export type Properties = Record<string, string>;
/** What one write does to properties: null takes one away, what is not named stays. */
export type PropertyPatch = Record<string, string | null>;
/** What a write changed, by name; null where there was or is none. */
export type PropertyChanges = Record<string, { old: string | null; new: string | null }>;

/** What every environment made without properties has. */
export const DEFAULT_PROPERTIES: Readonly<Properties> = { Description: '', IP: '', Software: '' };
export const LONGEST_NAME = 64;
export const LONGEST_VALUE = 2000;
export const MOST_PROPERTIES = 100;

/**
 * Merges a write into properties and tells what it changed; writing what is there already changes
 * nothing, and then `properties` is `current` itself. Refuses names and values that are too long, and
 * more properties than there may be.
 *
 * @param field what the caller calls the patch, for the refusals.
 */
export function mergeProperties(current: Properties, patch: PropertyPatch, field = 'properties'): { properties: Properties; changes: PropertyChanges } {
  const merged = new Map(Object.entries(current));
  const changes = new Map<string, PropertyChanges[string]>();
  for (const [name, value] of Object.entries(patch)) {
    refuseUnfit(name, value, field);
    const old = merged.get(name) ?? null;
    if (old === value) continue;
    changes.set(name, { old, new: value });
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  if (changes.size === 0) return { properties: current, changes: {} };
  if (merged.size > MOST_PROPERTIES) {
    throw invalidField('environments.too-many-properties', field, `would make ${merged.size} properties; there may be ${MOST_PROPERTIES}, take some away with null`);
  }
  // Object.fromEntries makes own properties, also of a name like __proto__.
  return { properties: Object.fromEntries(merged), changes: Object.fromEntries(changes) };
}

function refuseUnfit(name: string, value: string | null, field: string): void {
  const place = `${field}.${name.slice(0, LONGEST_NAME)}`;
  if (name.trim() === '' || name !== name.trim() || name.length > LONGEST_NAME) {
    throw invalidField('environments.property-name', place, `must have a name of 1 to ${LONGEST_NAME} characters without spaces around it`);
  }
  if (value !== null && value.length > LONGEST_VALUE) {
    throw invalidField('environments.property-value', place, `has ${value.length} characters; a value may have ${LONGEST_VALUE}`);
  }
}
