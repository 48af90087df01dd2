import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TypeReader, type Type } from './type-reader.ts';

/** A call as the discovery document declares it. */
export interface Route {
  /** `calendar.events.insert`. */
  method: string;
  verb: string;
  pattern: RegExp;
  /** Every parameter, in path or query, with its type. */
  params: Map<string, Type>;
  required: string[];
  /** Null where no body belongs. */
  request: string | null;
  /** Null where nothing is answered. */
  response: string | null;
}

/**
 * Google generates the types and calls of its SDK from calendar.v3's discovery document, which the package does
 * not ship itself: they say the same, and are what our requests are made with.
 */
const { types, code } = readPackage();

function readPackage(): { types: string; code: string } {
  const place = createRequire(import.meta.url).resolve('googleapis/build/src/apis/calendar/v3.js');
  const text = (path: string): string => readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  return { types: text(place.replace(/\.js$/, '.d.ts')), code: readFileSync(place, 'utf8') };
}

const STANDARD = fieldsOf('StandardParameters');

const routes: Route[] = [
  ...['delete', 'get', 'insert', 'list', 'patch', 'watch'].map((name) => readRoute('events', name)),
  readRoute('channels', 'stop'),
];

/** The declared call that a request is, with the parameters in its path; null when none is. */
export function routeOf(verb: string, path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const match = route.verb === verb ? route.pattern.exec(path) : null;
    if (match !== null) return { route, params: Object.fromEntries(Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])) };
  }
  return null;
}

/** What a request has that is not declared, or lacks. */
export function problemsOfRequest(route: Route, params: Record<string, string>, query: URLSearchParams, body: unknown): string[] {
  const given = [...Object.keys(params), ...query.keys()];
  const unknown = given.filter((name) => !route.params.has(name) && !STANDARD.has(name)).map((name) => `${name} is no parameter of ${route.method}`);
  const missing = route.required.filter((name) => !given.includes(name)).map((name) => `${name} is missing`);
  const values = [...query].flatMap(([name, value]) => problemsOfText(name, value, route.params.get(name)));
  if (route.request === null) return [...unknown, ...missing, ...values, ...(body === undefined ? [] : ['a body where none belongs'])];
  return [...unknown, ...missing, ...values, ...problemsOf(body, { kind: 'schema', name: route.request }, 'body')];
}

/** What an answer has that is not declared. */
export function problemsOfAnswer(route: Route, body: unknown): string[] {
  return route.response === null ? (body === undefined ? [] : ['an answer where none belongs']) : problemsOf(body, { kind: 'schema', name: route.response }, 'answer');
}

function problemsOfText(name: string, value: string, type: Type | undefined): string[] {
  if (type?.kind === 'number') return /^-?\d+$/.test(value) ? [] : [`${name} is no number`];
  if (type?.kind === 'boolean') return ['true', 'false'].includes(value) ? [] : [`${name} is neither true nor false`];
  return [];
}

function problemsOf(value: unknown, type: Type, path: string): string[] {
  if (value === null) return [];
  switch (type.kind) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type.kind ? [] : [`${path} is no ${type.kind}`];
    case 'list':
      return Array.isArray(value) ? value.flatMap((one, index) => problemsOf(one, type.of, `${path}[${index}]`)) : [`${path} is no list`];
    case 'map':
      return Object.entries(value as object).flatMap(([key, one]) => problemsOf(one, type.of, `${path}.${key}`));
    case 'schema':
      return problemsOfFields(value, fieldsOf(`Schema$${type.name}`), path);
    case 'object':
      return problemsOfFields(value, type.fields, path);
  }
}

function problemsOfFields(value: unknown, fields: Map<string, Type>, path: string): string[] {
  if (typeof value !== 'object' || Array.isArray(value)) return [`${path} is no object`];
  return Object.entries(value as object).flatMap(([key, one]) => {
    const type = fields.get(key);
    return type === undefined ? [`${path}.${key} is not declared`] : problemsOf(one, type, `${path}.${key}`);
  });
}

function readRoute(resource: string, name: string): Route {
  const capital = (text: string): string => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
  const classCode = /class (Resource\$\w+) \{/g;
  const begin = code.indexOf(`class Resource$${capital(resource)} {`);
  classCode.lastIndex = begin + 10;
  const end = classCode.exec(code)?.index ?? code.length;
  const body = code.slice(begin, end);
  const own = body.slice(body.search(new RegExp(`^ {8}${name}\\(paramsOrCallback`, 'm')));
  const template = /'(\/calendar\/v3\/[^']+)'/.exec(own)?.[1];
  const verb = /method: '([A-Z]+)'/.exec(own)?.[1];
  const required = /requiredParams: \[([^\]]*)\]/.exec(own)?.[1];
  const signature = new RegExp(`class Resource\\$${capital(resource)} [\\s\\S]*?^ {8}${name}\\(params\\?: [^)]*\\): Promise<GaxiosResponseWithHTTP2<(void|Schema\\$(\\w+))>>`, 'm').exec(types);
  if (begin < 0 || template === undefined || verb === undefined || required === undefined || signature === null) throw new Error(`The SDK declares no ${resource}.${name}.`);
  const params = fieldsOf(`Params$Resource$${capital(resource)}$${capital(name)}`);
  const request = params.get('requestBody');
  params.delete('requestBody');
  return {
    method: `calendar.${resource}.${name}`,
    verb,
    pattern: new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
    params,
    required: [...required.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? ''),
    request: request?.kind === 'schema' ? request.name : null,
    response: signature[2] ?? null,
  };
}

/** The fields of an interface, without those it inherits. */
function fieldsOf(name: string): Map<string, Type> {
  const begin = types.indexOf(`interface ${name} `);
  if (begin < 0) throw new Error(`The SDK declares no ${name}.`);
  const reader = new TypeReader(types, types.indexOf('{', begin));
  const read = reader.object();
  if (read.kind !== 'object') throw new Error(`${name} is no object`);
  return read.fields;
}
