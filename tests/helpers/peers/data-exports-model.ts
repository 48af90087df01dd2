import * as sdk from '@aws-sdk/client-bcm-data-exports';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A structure, list or map of the SDK's own schema: `[kind, namespace, name, traits, …]`. */
type Schema = readonly unknown[];
type SchemaRef = unknown;

const STRUCTURE = 3;
const LIST = 1;
const MAP = 2;

/** Enumerations by the member that holds them; the schema itself only says "string". */
const enumerations: Record<string, object> = {
  OutputType: sdk.S3OutputType,
  Format: sdk.FormatOption,
  Compression: sdk.CompressionOption,
  Overwrite: sdk.OverwriteOption,
  Frequency: sdk.FrequencyOption,
};

/** The operations the SDK declares, with the schemas of their input and output. */
export const operations: Map<string, { input: Schema; output: Schema }> = new Map(
  Object.values(sdk as Record<string, unknown>)
    .filter((value): value is Schema => Array.isArray(value) && value[0] === 9)
    .map((schema) => [String(schema[2]), { input: dereference(schema[4]) as Schema, output: dereference(schema[5]) as Schema }]),
);

/**
 * What is wrong with a value by the SDK's model: unknown members, missing required ones, wrong
 * types, unknown enumeration values. Empty when it fits.
 */
export function problemsOf(value: unknown, ref: SchemaRef, path: string): string[] {
  const schema = dereference(ref);
  if (!Array.isArray(schema)) return problemsOfSimple(value, schema as number, path);
  if (schema[0] === LIST) return problemsOfList(value, schema[4], path);
  if (schema[0] === MAP) return problemsOfMap(value, schema[5], path);
  if (schema[0] !== STRUCTURE) return [`${path}: the schema kind ${String(schema[0])} is not known here`];
  return problemsOfStructure(value, schema, path);
}

function problemsOfStructure(value: unknown, schema: Schema, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} must be an object`];
  const [, , name, , members, types] = schema as [number, string, string, unknown, string[], SchemaRef[]];
  const given = value as Record<string, unknown>;
  const problems = Object.keys(given)
    .filter((member) => !members.includes(member))
    .map((member) => `${path}.${member} is not in ${name}`);
  for (const [index, member] of members.entries()) {
    const at = `${path}.${member}`;
    const isRequired = requiredMembers().get(name)?.has(member) ?? false;
    if (given[member] === undefined) problems.push(...(isRequired ? [`${at} is required`] : []));
    else problems.push(...problemsOf(given[member], types[index], at), ...problemsOfEnumeration(given[member], member, at));
  }
  return problems;
}

function problemsOfEnumeration(value: unknown, member: string, path: string): string[] {
  const known = enumerations[member];
  return known === undefined || Object.values(known).includes(value) ? [] : [`${path} is ${String(value)}, which is no ${member}`];
}

function problemsOfList(value: unknown, type: SchemaRef, path: string): string[] {
  if (!Array.isArray(value)) return [`${path} must be a list`];
  return value.flatMap((one, index) => problemsOf(one, type, `${path}[${index}]`));
}

function problemsOfMap(value: unknown, type: SchemaRef, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${path} must be a map`];
  return Object.entries(value).flatMap(([key, one]) => problemsOf(one, type, `${path}.${key}`));
}

/** Numbers stand for simple types: 0 string, 1 number, 2 boolean, 5 and 6 times as text, 4 and 7 as seconds; 64 and 128 mark lists and maps of them. */
function problemsOfSimple(value: unknown, type: number, path: string): string[] {
  if ((type & 128) !== 0) return problemsOfMap(value, type & ~128, path);
  if ((type & 64) !== 0) return problemsOfList(value, type & ~64, path);
  const wanted = [0, 5, 6].includes(type) ? 'string' : type === 2 ? 'boolean' : 'number';
  return typeof value === wanted ? [] : [`${path} must be a ${wanted}`];
}

function dereference(ref: SchemaRef): unknown {
  return typeof ref === 'function' ? (ref as () => unknown)() : ref;
}

let required: Map<string, Set<string>> | undefined;

/** The schemas leave out which members are required; the declarations say it: no `?` after the name. */
function requiredMembers(): Map<string, Set<string>> {
  if (required !== undefined) return required;
  const main = createRequire(import.meta.url).resolve('@aws-sdk/client-bcm-data-exports');
  const declarations = readFileSync(join(dirname(dirname(main)), 'dist-types', 'models', 'models_0.d.ts'), 'utf8');
  required = new Map();
  for (const [, name = '', body = ''] of declarations.matchAll(/export interface (\w+) \{([\s\S]*?)\n\}/g)) {
    required.set(name, new Set([...body.matchAll(/^ {4}(\w+): /gm)].map((match) => match[1] ?? '')));
  }
  return required;
}
