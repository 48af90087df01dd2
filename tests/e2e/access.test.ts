import anyTest, { type TestFn } from 'ava';
import { newId } from '../../commands/shared/new-id.ts';
import { operations } from '../../api/operations.ts';
import { secretLinks } from '../../api/secret-links.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import { ID_PREFIXES, type IdKind } from '../../domain/shared/ids.ts';
import { startTestApi, type Person, type Reply, type TestApi } from '../helpers/api.ts';
import { itemMakers } from '../helpers/foreign-items.ts';
import { sampleOf, type Schema } from '../helpers/sample.ts';

/** One operation as the OpenAPI document describes it. */
interface Described {
  method: string;
  path: string;
  operationId: string;
  access: { kind: string; role?: OrganizationRole; scope?: string; token_scope: string };
  parameters: { name: string; in: string; required?: boolean; schema: Schema }[];
  body: Schema | null;
}

interface Cast {
  administrator: Person;
  manager: Person;
  engineer: Person;
  member: Person;
  stranger: Person;
}

interface Context {
  api: TestApi;
  described: Map<string, Described>;
  resolve: (reference: string) => Schema;
  ours: string;
  theirs: string;
  cast: Cast;
}

const test = anyTest as TestFn<Context>;
const BOGUS = 'bogus_field';
const IF_ANY = { 'If-Match': '*' };

test.before(async (t) => {
  const api = await startTestApi();
  const [ours, theirs] = [await api.organization('Ours'), await api.organization('Theirs')];
  const cast: Cast = {
    administrator: await api.person({ platformAdministrator: true }),
    manager: await api.member(ours, 'manager'),
    engineer: await api.member(ours, 'engineer'),
    member: await api.member(ours, 'member'),
    stranger: await api.member(theirs, 'manager'),
  };
  const { body: document } = await api.call('/openapi.json');
  const resolve = (reference: string): Schema => document.components.schemas[reference.replace('#/components/schemas/', '')] as Schema;
  t.context = { api, described: describe(document), resolve, ours, theirs, cast };
});

test.after.always(async (t) => {
  await t.context.api?.end();
});

function describe(document: { paths: Record<string, Record<string, Record<string, unknown>>> }): Map<string, Described> {
  const found = new Map<string, Described>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const body = operation.requestBody as { content: Record<string, { schema: Schema }> } | undefined;
      const operationId = operation.operationId as string;
      found.set(operationId, {
        method: method.toUpperCase(),
        path,
        operationId,
        access: operation['x-orrery-access'] as Described['access'],
        parameters: (operation.parameters ?? []) as Described['parameters'],
        body: body?.content['application/json']?.schema ?? null,
      });
    }
  }
  return found;
}

function inPath({ path }: Described): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
}

/** The collection an item's parameter belongs to: the segment before it. */
function collectionOf({ path }: Described, parameter: string): string {
  return path.split('/').find((_, index, parts) => parts[index + 1]?.startsWith(`{${parameter}}`)) ?? '';
}

/** The path with an item of the owner's in every place but the organization's. */
async function pathOf(context: Context, operation: Described, at: { organization: string; owner: string }): Promise<string> {
  let path = operation.path;
  for (const parameter of inPath(operation)) {
    let value = at.organization;
    if (parameter !== 'organization_id') {
      const collection = collectionOf(operation, parameter);
      const make = itemMakers[collection];
      if (make === undefined) throw new Error(`tests/helpers/foreign-items.ts does not say how to make an item of ${collection}`);
      value = await make(context.api, at.owner);
    }
    path = path.replace(`{${parameter}}`, value);
  }
  return path;
}

/** Required query parameters, so that nothing but the tested field is wrong. */
function queryOf({ resolve }: Context, operation: Described): string {
  const required = operation.parameters.filter((parameter) => parameter.in === 'query' && parameter.required === true);
  return new URLSearchParams(required.map(({ name, schema }): [string, string] => [name, String(sampleOf(schema, resolve))])).toString();
}

async function send(context: Context, operation: Described, path: string, token: string | undefined, body?: unknown): Promise<Reply> {
  const said = body ?? (operation.body === null ? undefined : sampleOf(operation.body, context.resolve));
  const query = queryOf(context, operation);
  return await context.api.call(query === '' ? path : `${path}?${query}`, { method: operation.method, token, body: said, headers: IF_ANY });
}

/** Someone who may call the operation. */
function entitled({ cast }: Context, { access }: Described): Person {
  if (access.kind === 'platform-administrator') return cast.administrator;
  return access.kind === 'organization' ? cast[access.role ?? 'manager'] : cast.member;
}

/** People who are known, and in the organization, but may not. */
function refused({ cast }: Context, { access }: Described): Person[] {
  if (access.kind === 'platform-administrator') return [cast.manager];
  if (access.kind !== 'organization') return [];
  return { manager: [cast.engineer, cast.member], engineer: [cast.member], member: [] }[access.role ?? 'member'];
}

function operationOf(context: Context, id: string): Described {
  const operation = context.described.get(id);
  if (operation === undefined) throw new Error(`the OpenAPI document does not hold ${id}`);
  return operation;
}

// The titles come from the routes; everything that is asserted comes from the served document.
for (const { id } of operations) {
  test(`${id} answers 401 without credentials`, async (t) => {
    const operation = operationOf(t.context, id);
    const { api, ours } = t.context;
    if (operation.access.kind === 'public') {
      t.not((await api.call(operation.path, { method: operation.method })).body.code, 'identity.unauthenticated');
      return;
    }
    const path = await pathOf(t.context, operation, { organization: ours, owner: ours });
    for (const token of [undefined, `orr_${'x'.repeat(43)}`, 'nonsense']) {
      const reply = await send(t.context, operation, path, token);
      t.is(reply.status, 401);
      t.is(reply.body.code, 'identity.unauthenticated');
      t.regex(reply.headers.get('content-type') ?? '', /^application\/problem\+json/);
    }
  });

  test(`${id} answers 403 to a lesser role or a lesser token`, async (t) => {
    const operation = operationOf(t.context, id);
    const { api, ours } = t.context;
    const path = await pathOf(t.context, operation, { organization: ours, owner: ours });
    const people = refused(t.context, operation);
    for (const person of people) t.is((await send(t.context, operation, path, person.token)).status, 403);
    const lesser = { admin: 'write', write: 'read' } as const;
    const scope = lesser[operation.access.token_scope as keyof typeof lesser];
    if (scope !== undefined && operation.access.kind !== 'public') {
      const token = await api.token(entitled(t.context, operation).id, { scopes: [scope] });
      const reply = await send(t.context, operation, path, token);
      t.is(reply.status, 403);
      t.is(reply.body.code, 'identity.scope-insufficient');
    }
    t.true(['admin', 'write', 'read'].includes(operation.access.token_scope));
  });

  test(`${id} answers 404 for what another organization owns`, async (t) => {
    const operation = operationOf(t.context, id);
    const { ours, theirs, cast } = t.context;
    const parameters = inPath(operation);
    t.true(parameters.length > 0 || operation.access.kind !== 'organization');
    if (parameters.length === 0) return;
    const mine = entitled(t.context, operation).token;
    const wanderer = operation.access.kind === 'organization' ? cast.manager.token : mine;
    if (operation.access.kind !== 'platform-administrator') {
      const foreign = await pathOf(t.context, operation, { organization: theirs, owner: theirs });
      t.is((await send(t.context, operation, foreign, wanderer)).status, 404);
      if (parameters.length > 1) {
        const mixed = await pathOf(t.context, operation, { organization: ours, owner: theirs });
        t.is((await send(t.context, operation, mixed, wanderer)).status, 404);
      }
    }
    const nowhere = operation.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
      const { pattern = '' } = operation.parameters.find(({ name }) => name === parameter)?.schema ?? {};
      const kind = (Object.keys(ID_PREFIXES) as IdKind[]).find((one) => pattern.startsWith(`^${ID_PREFIXES[one]}_`));
      return kind === undefined ? 'nothing' : newId(kind);
    });
    t.is((await send(t.context, operation, nowhere, wanderer)).status, 404);
  });

  test(`${id} answers 400 to an unknown field, by its name`, async (t) => {
    const operation = operationOf(t.context, id);
    const { api, ours, resolve } = t.context;
    const { token } = entitled(t.context, operation);
    const path = await pathOf(t.context, operation, { organization: ours, owner: ours });
    const named = (reply: Reply): string[] => (reply.body.fields ?? []).map(({ field }: { field: string }) => field);
    const known = queryOf(t.context, operation);
    const asked = await send(t.context, operation, `${path}?${[known, `${BOGUS}=1`].filter((part) => part !== '').join('&')}`.replace(/\?$/, ''), token);
    t.is(asked.status, 400);
    t.true(named(asked).includes(BOGUS));
    if (operation.method === 'GET' || operation.method === 'DELETE') return;
    const sample = operation.body === null ? {} : sampleOf(operation.body, resolve);
    const said = await api.call(known === '' ? path : `${path}?${known}`, {
      method: operation.method,
      token,
      body: { ...(sample as object), [BOGUS]: 1 },
      headers: IF_ANY,
    });
    t.is(said.status, 400);
    t.deepEqual(named(said).filter((field) => field === BOGUS), [BOGUS]);
  });
}

test('the document describes every operation, the secret links and nothing else', (t) => {
  const served = [...operations, ...secretLinks].map(({ id }) => id);
  t.deepEqual([...t.context.described.keys()].toSorted(), served.toSorted());
});

test('every object that a request may hold refuses unknown fields', async (t) => {
  const { body: document } = await t.context.api.call('/openapi.json');
  const loose: string[] = [];
  const walk = (schema: Schema & { additionalProperties?: unknown }, where: string): void => {
    const followed = schema.$ref === undefined ? schema : t.context.resolve(schema.$ref);
    if (followed.properties !== undefined && (followed as typeof schema).additionalProperties !== false) loose.push(where);
    for (const [name, property] of Object.entries(followed.properties ?? {})) walk(property, `${where}.${name}`);
    for (const part of [...(followed.oneOf ?? []), ...(followed.anyOf ?? []), ...(followed.allOf ?? [])]) walk(part, where);
    if (followed.items !== undefined) walk(followed.items, `${where}[]`);
  };
  for (const operation of describe(document).values()) if (operation.body !== null) walk(operation.body, operation.operationId);
  t.deepEqual(loose, []);
});
