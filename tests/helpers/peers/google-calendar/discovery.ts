import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * The parts of a Google API discovery document (https://developers.google.com/discovery/v1/reference/apis) that say what a
 * request and an answer may be. Its schemas are JSON Schema, draft 3, with references by name.
 */
interface Schema {
  $ref?: string | undefined;
  type?: 'any' | 'array' | 'boolean' | 'integer' | 'number' | 'object' | 'string' | undefined;
  format?: string | undefined;
  enum?: string[] | undefined;
  minimum?: string | undefined;
  maximum?: string | undefined;
  items?: Schema | undefined;
  properties?: Record<string, Schema> | undefined;
  additionalProperties?: Schema | undefined;
}

const schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    type: z.enum(['any', 'array', 'boolean', 'integer', 'number', 'object', 'string']).optional(),
    format: z.string().optional(),
    enum: z.array(z.string()).optional(),
    minimum: z.string().optional(),
    maximum: z.string().optional(),
    items: schema.optional(),
    properties: z.record(z.string(), schema).optional(),
    additionalProperties: schema.optional(),
  }),
);
const parameter = z.intersection(schema, z.object({ location: z.enum(['path', 'query']), required: z.boolean().default(false), repeated: z.boolean().default(false) }));
const reference = z.object({ $ref: z.string() });
const method = z.object({
  id: z.string(),
  httpMethod: z.string(),
  path: z.string(),
  parameters: z.record(z.string(), parameter).default({}),
  request: reference.optional(),
  response: reference.optional(),
});
const document = z
  .object({
    servicePath: z.string(),
    parameters: z.record(z.string(), parameter),
    schemas: z.record(z.string(), schema),
    resources: z.record(z.string(), z.object({ methods: z.record(z.string(), method) })),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, 'calendar.v3.json'), 'utf8')));

/** A call that the document declares, such as `calendar.events.insert`. */
export type Method = z.infer<typeof method>;

const routes = Object.values(document.resources)
  .flatMap(({ methods }) => Object.values(methods))
  .map((declared) => ({ declared, pattern: patternOf(declared.path) }));

function patternOf(path: string): RegExp {
  return new RegExp(`^/${document.servicePath}${path}$`.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)'));
}

/** The declared call that a request is, with the parameters in its path; null when none is. */
export function methodOf(verb: string, path: string): { method: Method; params: Record<string, string> } | null {
  for (const { declared, pattern } of routes) {
    const match = declared.httpMethod === verb ? pattern.exec(path) : null;
    if (match === null) continue;
    return { method: declared, params: Object.fromEntries(Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])) };
  }
  return null;
}

/** What a request has that is not declared, or lacks. */
export function problemsOfRequest({ id, parameters, request }: Method, params: Record<string, string>, query: URLSearchParams, body: unknown): string[] {
  const declared = { ...document.parameters, ...parameters };
  const given = new Set([...Object.keys(params), ...query.keys()]);
  const missing = Object.entries(parameters).filter(([name, { required }]) => required && !given.has(name)).map(([name]) => `${name} is missing`);
  const values = [...given].flatMap((name) => {
    const one = declared[name];
    if (one === undefined) return [`${name} is no parameter of ${id}`];
    const texts = name in params ? [params[name] ?? ''] : query.getAll(name);
    return [...(texts.length > 1 && !one.repeated ? [`${name} is given more than once`] : []), ...texts.flatMap((text) => problemsOfText(name, text, one))];
  });
  if (request === undefined) return [...missing, ...values, ...(body === undefined ? [] : ['a body where none belongs'])];
  return [...missing, ...values, ...problemsOf(body, request, 'body')];
}

/** What an answer has that is not declared. */
export function problemsOfAnswer({ response }: Method, body: unknown): string[] {
  return response === undefined ? (body === undefined ? [] : ['an answer where none belongs']) : problemsOf(body, response, 'answer');
}

/** A parameter is text, whatever its type. */
function problemsOfText(name: string, text: string, declared: Schema): string[] {
  if (declared.type === 'integer' && !/^-?\d+$/.test(text)) return [`${name} is no integer`];
  if (declared.type === 'boolean' && !['true', 'false'].includes(text)) return [`${name} is neither true nor false`];
  const value = declared.type === 'integer' ? Number(text) : declared.type === 'boolean' ? text === 'true' : text;
  return problemsOf(value, declared, name);
}

function problemsOf(value: unknown, declared: Schema, path: string): string[] {
  const named = declared.$ref === undefined ? declared : document.schemas[declared.$ref];
  if (named === undefined) throw new Error(`The document has no schema ${declared.$ref}.`);
  // In a body, null takes a field away.
  if (value === null || value === undefined || named.type === 'any') return [];
  switch (named.type) {
    case 'array':
      return Array.isArray(value) ? value.flatMap((one, index) => problemsOf(one, named.items ?? {}, `${path}[${index}]`)) : [`${path} is no array`];
    case 'object':
      return problemsOfFields(value, named, path);
    case 'integer':
      return Number.isInteger(value) ? problemsOfSize(value as number, named, path) : [`${path} is no integer`];
    case 'string':
      return typeof value === 'string' ? problemsOfForm(value, named, path) : [`${path} is no string`];
    default:
      return typeof value === named.type ? [] : [`${path} is no ${named.type}`];
  }
}

function problemsOfFields(value: unknown, { properties = {}, additionalProperties }: Schema, path: string): string[] {
  if (typeof value !== 'object' || Array.isArray(value)) return [`${path} is no object`];
  return Object.entries(value as object).flatMap(([key, one]) => {
    const declared = properties[key] ?? additionalProperties;
    return declared === undefined ? [`${path}.${key} is not declared`] : problemsOf(one, declared, `${path}.${key}`);
  });
}

function problemsOfSize(value: number, { minimum, maximum }: Schema, path: string): string[] {
  return (minimum === undefined || value >= Number(minimum)) && (maximum === undefined || value <= Number(maximum)) ? [] : [`${path} is ${value}, out of its range`];
}

const FORMS: Record<string, RegExp> = {
  date: /^\d{4}-\d{2}-\d{2}$/,
  'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/,
  int64: /^-?\d+$/,
};

function problemsOfForm(value: string, { format, enum: values }: Schema, path: string): string[] {
  if (values !== undefined && !values.includes(value)) return [`${path} is ${value}, and not one of ${values.join(', ')}`];
  if (format !== undefined && FORMS[format]?.test(value) === false) return [`${path} is ${value}, and no ${format}`];
  return [];
}
