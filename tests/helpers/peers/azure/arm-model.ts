import * as sdk from '@azure/arm-compute';

/** The SDK's operations on virtual machines that the stand-in answers, by their names there. */
export const OPERATIONS = ['listAll', 'get', 'start', 'deallocate'] as const;
export type OperationName = (typeof OPERATIONS)[number];

export interface ArmRoute {
  operation: OperationName;
  method: string;
  apiVersion: string;
  /** Names of the query parameters the SDK can send. */
  query: Set<string>;
  path: RegExp;
}

export interface MatchedRequest {
  operation: OperationName;
  subscription: string;
  group: string;
  machine: string;
  query: URLSearchParams;
}

type Captured = { method: string; path: string };
type Send = (context: object, ...rest: unknown[]) => unknown;
type Deserialize = (result: object) => Promise<unknown>;

/** The SDK's own functions behind its client: what makes its requests and what reads its answers. */
const functions = (await import(
  new URL('./api/virtualMachines/operations.js', import.meta.resolve('@azure/arm-compute')).href
)) as Record<string, Send & Deserialize>;

const NAMES = { subscription: 'subscription-name', group: 'group-name', machine: 'machine-name' };
/** Every option that becomes a query parameter of one of the operations. */
const OPTIONS = { statusOnly: 'true', filter: 'f', expand: 'instanceView', hibernate: true, forceDeallocate: true };

/** What the SDK sends for each operation, learnt by letting it send. */
export const routes: ArmRoute[] = OPERATIONS.map((operation) => {
  const { method, path } = captured(operation);
  const url = new URL(path, 'https://arm');
  const pattern = Object.entries(NAMES).reduce((text, [name, value]) => text.replace(value, `(?<${name}>[^/]+)`), url.pathname);
  return {
    operation,
    method,
    apiVersion: url.searchParams.get('api-version') ?? '',
    query: new Set(url.searchParams.keys()),
    // Resource Manager reads paths in any case.
    path: new RegExp(`^${pattern}$`, 'i'),
  };
});

function captured(operation: OperationName): Captured {
  let sent: Captured | undefined;
  const send = (path: string, method: string) => () => {
    sent = { method, path };
  };
  const context = {
    subscriptionId: NAMES.subscription,
    path: (path: string) => ({ get: send(path, 'GET'), post: send(path, 'POST') }),
  };
  const names = operation === 'listAll' ? [] : [NAMES.group, NAMES.machine];
  functions[`_${operation}Send`]?.(context, ...names, OPTIONS);
  if (sent === undefined) throw new Error(`The SDK sends nothing for ${operation}.`);
  return sent;
}

/** The operation a request is for. @throws when the SDK could not have sent it, by path, version or parameter. */
export function matchRequest(method: string, url: URL): MatchedRequest {
  const route = routes.find((one) => one.method === method && one.path.test(url.pathname));
  if (route === undefined) throw new Error(`${method} ${url.pathname} is none of ${OPERATIONS.join(', ')} as the SDK sends them.`);
  if (url.searchParams.get('api-version') !== route.apiVersion) throw new Error(`${route.operation} is sent with api-version ${route.apiVersion}.`);
  // Where a page begins is the stand-in's own word, from its nextLink.
  const strange = [...url.searchParams.keys()].filter((name) => !route.query.has(name) && name !== '$skiptoken');
  if (strange.length > 0) throw new Error(`${route.operation} has no ${strange.join(', ')}.`);
  const { subscription = '', group = '', machine = '' } = route.path.exec(url.pathname)?.groups ?? {};
  return { operation: route.operation, subscription, group, machine, query: url.searchParams };
}

/** Enumerations by the member that holds them; to the SDK's types they are text. */
const ENUMERATIONS: Record<string, object> = {
  priority: sdk.KnownVirtualMachinePriorityTypes,
  evictionPolicy: sdk.KnownVirtualMachineEvictionPolicyTypes,
  option: sdk.KnownDiffDiskOptions,
  createOption: sdk.KnownDiskCreateOptionTypes,
};

/**
 * What of an answer the SDK does not declare: members its deserializer never reads, and values that
 * are in none of its enumerations. Empty when the answer fits.
 */
export async function undeclared(operation: OperationName, status: number, body: unknown): Promise<string[]> {
  const problems: string[] = [];
  const unread = new Set<string>();
  const watched = watch(body, 'body', unread, problems);
  const result = { status: String(status), body: watched, headers: {}, request: {} };
  try {
    await functions[`_${operation}Deserialize`]?.(result);
  } catch (error) {
    // An error answer is read and then thrown; what the stand-in got wrong fails otherwise.
    if (status < 400 || !(error instanceof Error) || error.name !== 'RestError') throw error;
  }
  return [...problems, ...[...unread].map((member) => `${member} is not read by the SDK`)];
}

function watch(value: unknown, path: string, unread: Set<string>, problems: string[]): unknown {
  if (Array.isArray(value)) return value.map((one, index) => watch(one, `${path}[${index}]`, unread, problems));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => {
    unread.add(`${path}.${name}`);
    const known = ENUMERATIONS[name];
    if (known !== undefined && !Object.values(known).includes(member)) problems.push(`${path}.${name} is ${String(member)}, which the SDK does not know`);
    return [name, watch(member, `${path}.${name}`, unread, problems)];
  });
  return new Proxy(Object.fromEntries(members), {
    get: (target, name) => {
      unread.delete(`${path}.${String(name)}`);
      return Reflect.get(target, name) as unknown;
    },
  });
}
