import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

interface Field {
  type: string;
  rule?: 'repeated';
  keyType?: string;
  options?: Record<string, unknown>;
}

interface Message {
  fields: Record<string, Field>;
  nested?: Record<string, { values?: Record<string, number> }>;
}

interface Service {
  methods: Record<string, { requestType: string; responseType: string; options: Record<string, unknown> }>;
}

type Package = Record<string, Message & Service>;

/** A call as the SDK declares it. */
export interface Route {
  /** `Instances.Start`. */
  rpc: string;
  verb: string;
  /** `/compute/v1/projects/{project}/…`. */
  template: string;
  pattern: RegExp;
  requestType: string;
  responseType: string;
}

/** The description that the SDK's package ships and its clients work by. */
const packages = readPackages();

function readPackages(): { v1: Package; v1beta: Package } {
  const path = createRequire(import.meta.url).resolve('@google-cloud/compute/build/protos/protos.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as { nested: { google: { nested: { cloud: { nested: { compute: { nested: Record<string, { nested: Package }> } } } } } } };
  const { v1, v1beta } = json.nested.google.nested.cloud.nested.compute.nested;
  if (v1 === undefined || v1beta === undefined) throw new Error('The SDK describes no v1 or no v1beta.');
  return { v1: v1.nested, v1beta: v1beta.nested };
}

const routes: Route[] = ['Instances', 'ZoneOperations'].flatMap((service) =>
  Object.entries(packages.v1[service]?.methods ?? {}).flatMap(([name, { requestType, responseType, options }]) =>
    ['get', 'post', 'put', 'patch', 'delete'].flatMap((verb) => {
      const template = options[`(google.api.http).${verb}`];
      if (typeof template !== 'string') return [];
      const pattern = new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
      return [{ rpc: `${service}.${name}`, verb: verb.toUpperCase(), template, pattern, requestType, responseType }];
    }),
  ),
);

/** The declared call that a request is, with the parameters in its path; null when the SDK declares none such. */
export function routeOf(verb: string, path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const match = route.verb === verb ? route.pattern.exec(path) : null;
    if (match !== null) return { route, params: { ...match.groups } };
  }
  return null;
}

/**
 * What is wrong with a request by the SDK's description: undeclared parameters, wrong types, missing
 * ones. A parameter that only the beta's description of the same request has passes too: the
 * description of v1 leaves `returnPartialSuccess` out, which the API's reference lists.
 */
export function problemsOfRequest(route: Route, params: Record<string, string>, query: URLSearchParams): string[] {
  const fields = packages.v1[route.requestType]?.fields ?? {};
  const alsoKnown = packages.v1beta[route.requestType]?.fields ?? {};
  const problems = [...query].flatMap(([name, value]) => {
    const field = fields[name] ?? alsoKnown[name];
    if (field === undefined) return [`${route.rpc}: ${name} is not in ${route.requestType}`];
    if (name in params) return [`${route.rpc}: ${name} belongs into the path`];
    return problemsOf(fromText(value, field.type), field.type, `${route.rpc}: ${name}`);
  });
  const missing = Object.entries(fields).filter(
    ([name, { options }]) => options?.['(google.api.field_behavior)'] === 'REQUIRED' && !(name in params) && !query.has(name),
  );
  return [...problems, ...missing.map(([name]) => `${route.rpc}: ${name} is required`)];
}

/** What is wrong with an answer: members the SDK does not declare, wrong types, unknown enumeration values. */
export function problemsOfAnswer(route: Route, answer: unknown): string[] {
  return problemsOf(answer, route.responseType, route.responseType);
}

function fromText(value: string, type: string): unknown {
  if (type === 'bool' && /^(true|false)$/.test(value)) return value === 'true';
  return type.endsWith('32') && /^-?\d+$/.test(value) ? Number(value) : value;
}

/** JSON types of the simple ones; numbers of 64 bits go as text. */
const SIMPLE: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int32: Number.isInteger,
  uint32: (value) => Number.isInteger(value) && Number(value) >= 0,
  int64: (value) => typeof value === 'string' && /^-?\d+$/.test(value),
  uint64: (value) => typeof value === 'string' && /^\d+$/.test(value),
  double: (value) => typeof value === 'number',
  float: (value) => typeof value === 'number',
};

/** Empty when a value fits a type of v1. */
export function problemsOf(value: unknown, type: string, path: string): string[] {
  const isSimple = SIMPLE[type];
  if (isSimple !== undefined) return isSimple(value) ? [] : [`${path} must be ${type}`];
  const message = packages.v1[type];
  if (message === undefined) return [`${path}: the SDK declares no ${type}`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} must be an object`];
  return Object.entries(value).flatMap(([name, one]) => {
    const field = message.fields[name];
    if (field === undefined) return [`${path}.${name} is not in ${type}`];
    const values = enumerationOf(message, name, field);
    if (values === undefined) return problemsOfField(one, field, `${path}.${name}`);
    return String(one) in values ? [] : [`${path}.${name} is ${String(one)}, which the SDK does not know`];
  });
}

function problemsOfField(value: unknown, field: Field, path: string): string[] {
  if (field.rule === 'repeated') {
    return Array.isArray(value) ? value.flatMap((one, index) => problemsOf(one, field.type, `${path}[${index}]`)) : [`${path} must be a list`];
  }
  if (field.keyType !== undefined) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} must be a map`];
    return Object.entries(value).flatMap(([key, one]) => problemsOf(one, field.type, `${path}[${key}]`));
  }
  return problemsOf(value, field.type, path);
}

/** Values go by their names. A member is of the enumeration, or a plain string with one of its name beside it. */
function enumerationOf({ nested }: Message, name: string, { type }: Field): Record<string, number> | undefined {
  const beside = type === 'string' ? name.charAt(0).toUpperCase() + name.slice(1) : type;
  return nested?.[beside]?.values;
}
