import * as ecs from '@alicloud/ecs20140526';
import * as sts from '@alicloud/sts20150401';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A model class of the SDK: the names on the wire by property, and the properties' types. */
interface ModelClass {
  names(): Record<string, string>;
  types(): Record<string, unknown>;
}

export interface Operation {
  /** As RAM names it. */
  permission: string;
  /** `x-acs-version` of its product. */
  version: string;
  /** Null where the SDK declares no parameters. */
  request: ModelClass | null;
  requiredParameters: ReadonlySet<string>;
  response: ModelClass;
}

/** The operations that the stand-in does, as the SDK's packages declare them. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ...['DescribeRegions', 'DescribeInstances', 'StartInstances', 'StopInstances'].map((action): [string, Operation] => [
    action,
    {
      permission: `ecs:${action}`,
      version: '2014-05-26',
      request: modelOf(ecs, `${action}Request`),
      requiredParameters: requiredIn('@alicloud/ecs20140526', `${action}Request`),
      response: modelOf(ecs, `${action}ResponseBody`),
    },
  ]),
  [
    'GetCallerIdentity',
    {
      permission: 'sts:GetCallerIdentity',
      version: '2015-04-01',
      request: null,
      requiredParameters: new Set(),
      response: modelOf(sts, 'GetCallerIdentityResponseBody'),
    },
  ],
]);

function modelOf(sdk: object, name: string): ModelClass {
  const found = (sdk as Record<string, unknown>)[name];
  if (typeof found !== 'function') throw new Error(`The SDK has no ${name}.`);
  return found as unknown as ModelClass;
}

/** The models leave out which parameters are required; the declarations' comments say it. */
function requiredIn(packageName: string, name: string): Set<string> {
  const main = createRequire(import.meta.url).resolve(packageName);
  const text = readFileSync(join(dirname(main), 'models', `${name}.d.ts`), 'utf8');
  const body = text.slice(text.indexOf(`class ${name} extends`));
  const commented = body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+)\?:/g);
  return new Set([...commented].flatMap(([, comment = '', property = '']) => (comment.includes('This parameter is required.') ? [property] : [])));
}

/** Parameters by their property names, or what is wrong with them by the model. */
export type Parameters = Record<string, string | number | boolean | string[]>;

/**
 * Reads the query of an RPC call against the SDK's request model: unknown, missing and mistyped
 * parameters are problems. Lists come as `InstanceId.1`, `InstanceId.2`.
 */
export function readParameters({ request, requiredParameters }: Operation, query: URLSearchParams): { parameters: Parameters; problems: string[] } {
  const propertyOf = new Map(Object.entries(request?.names() ?? {}).map(([property, wire]) => [wire, property]));
  const parameters: Parameters = {};
  const problems: string[] = [];
  for (const [key, value] of query) {
    const [wire = '', index] = key.split('.');
    const property = propertyOf.get(wire);
    if (property === undefined) problems.push(`${key} is no parameter of this call`);
    else problems.push(...readInto(parameters, property, { type: request?.types()[property], index, value }));
  }
  for (const property of requiredParameters) if (parameters[property] === undefined) problems.push(`${property} is required`);
  return { parameters, problems };
}

function readInto(
  parameters: Parameters,
  property: string,
  { type, index, value }: { type: unknown; index: string | undefined; value: string },
): string[] {
  if (isListOf(type, 'string')) {
    const list = (parameters[property] ??= []) as string[];
    if (index !== String(list.length + 1)) return [`${property}.${index} is out of order`];
    list.push(value);
    return [];
  }
  if (index !== undefined) return [`${property} is no list`];
  if (type === 'number') parameters[property] = Number(value);
  else if (type === 'boolean') parameters[property] = value === 'true';
  else parameters[property] = value;
  const isRead = String(parameters[property]) === value && ['string', 'number', 'boolean'].includes(String(type));
  return isRead ? [] : [`${property} is no ${String(type)}`];
}

function isListOf(type: unknown, itemType: string): boolean {
  return typeof type === 'object' && type !== null && (type as { itemType?: unknown }).itemType === itemType;
}

/** What is wrong with an answer by the SDK's model: undeclared members and wrong types. Empty when it fits. */
export function problemsOfAnswer(value: unknown, type: unknown, path: string): string[] {
  if (value === undefined) return [];
  if (typeof type === 'string') return typeof value === type ? [] : [`${path} must be a ${type}`];
  if (typeof type === 'function') return problemsOfModel(value, type as unknown as ModelClass, path);
  const { type: kind, itemType } = type as { type: string; itemType: unknown };
  if (kind !== 'array' || !Array.isArray(value)) return [`${path} must be a list`];
  return value.flatMap((one, index) => problemsOfAnswer(one, itemType, `${path}[${index}]`));
}

function problemsOfModel(value: unknown, model: ModelClass, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} must be an object`];
  const propertyOf = new Map(Object.entries(model.names()).map(([property, wire]) => [wire, property]));
  return Object.entries(value).flatMap(([wire, member]) => {
    const property = propertyOf.get(wire);
    return property === undefined ? [`${path}.${wire} is not declared`] : problemsOfAnswer(member, model.types()[property], `${path}.${wire}`);
  });
}
