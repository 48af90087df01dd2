import type { Logger } from 'pino';
import type { Transaction } from '../../db/shared/connection.ts';
import type { TokenScope } from '../../domain/identity/token-scope.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Caller } from './caller.ts';
import type { ApiDependencies } from './dependencies.ts';
import { PROJECT_HEADER, takesProject } from './project-header.ts';
import { z } from './zod.ts';

export const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof METHODS)[number];

/** Answers with the organization that owns an item, or null when there is no such item. */
export type OrganizationOf<Params> = (deps: ApiDependencies, params: Params) => Promise<string | null>;

/**
 * Who may call an operation. `organization` asks for a role in the organization of the path
 * (`scopeFrom: 'path'`, parameter `organization_id`) or in the one that owns the item; to everyone
 * outside of it, the organization and its items do not exist (404).
 */
export type Access<Params = Record<string, unknown>> =
  | { kind: 'public' }
  | { kind: 'person' }
  | { kind: 'organization'; role: OrganizationRole; scopeFrom: 'path' | OrganizationOf<Params> }
  | { kind: 'platform-administrator' };

/** Status to the schema of its body; null where there is none. Problems are added to every operation. */
export type Responses = Record<number, z.ZodType | null>;

/** What a handler answers: one of the declared statuses with the body declared for it. */
export type Answer<R extends Responses> = {
  [S in keyof R & number]: {
    status: S;
    body: R[S] extends z.ZodType ? z.input<R[S]> : null;
    headers?: Record<string, string | string[]> | undefined;
    /** The item's version: becomes the ETag. */
    version?: number | undefined;
    /** The body shows a secret once: it is never recorded, and a replay answers 409 `secret-already-shown`. */
    holdsSecret?: boolean | undefined;
  };
}[keyof R & number];

export interface AnyAnswer {
  status: number;
  body: unknown;
  headers?: Record<string, string | string[]> | undefined;
  version?: number | undefined;
  holdsSecret?: boolean | undefined;
}

export interface RequestContext<R extends Responses = Responses> {
  deps: ApiDependencies;
  /** Carries the request id. */
  log: Logger;
  requestId: string;
  /** When the request came in: the instant of whatever it decides. */
  at: Instant;
  /** Who asks, for commands and the ledger. Fails on a public operation without credentials. */
  readonly actor: Actor;
  /** Who asks, with rights; null only on public operations. */
  caller: Caller | null;
  /** The organization whose role gave access. Fails on operations without one. */
  readonly organizationId: string;
  /** The caller's role in it. Fails on operations without one. */
  readonly role: OrganizationRole;
  /** A request header, as sent. */
  header(name: string): string | undefined;
  /** The caller's network address. */
  address: string;
  /**
   * Runs a command in one transaction and answers with what it answers. For a POST with an
   * Idempotency-Key the record of that answer is written in the same transaction; a replay, a reused
   * key and a call still running end the request here. Every POST that changes something uses this,
   * once. When the handler then answers something else, the record follows.
   */
  transact(work: (tx: Transaction) => Promise<Answer<R>>): Promise<Answer<R>>;
}

export interface Input<P, Q, B> {
  params: P;
  query: Q;
  body: B;
}

type NoFields = z.ZodObject<Record<string, never>, z.core.$strict>;

export interface OperationDefinition<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends Responses,
> {
  method: Method;
  /** OpenAPI form, a verb at its end allowed: `/v1/data-sources/{id}:import`. */
  path: string;
  /** operationId, camelCase: `importDataSource`. */
  id: string;
  summary: string;
  description?: string;
  /** The domain, for the documentation. */
  tags: string[];
  access: Access<z.output<P>>;
  /** What an API token must hold to call this. `read` for what changes nothing. */
  tokenScope: TokenScope;
  /** One field per path parameter. A value that does not fit names nothing: 404. */
  params?: P;
  /** Fields are text; use z.coerce for numbers. A field that is an array may be repeated (`group_by=a&group_by=b`). */
  query?: Q;
  body?: B;
  responses: R;
  /** `none` for a POST that records nothing (a preview, a login): Idempotency-Key is then without effect. */
  idempotency?: 'recorded' | 'none';
  /** Its body takes a `project_id`, which Orrery-Project may name instead: see project-header.ts. */
  projectHeader?: boolean;
  handle(context: RequestContext<NoInfer<R>>, input: Input<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer<NoInfer<R>>>;
}

/** An operation as the app, the documentation and the generated tests see it. */
export interface Operation {
  method: Method;
  path: string;
  id: string;
  summary: string;
  description: string | undefined;
  tags: string[];
  access: Access;
  tokenScope: TokenScope;
  params: z.ZodObject;
  query: z.ZodObject;
  body: z.ZodType | null;
  responses: Responses;
  idempotency: 'recorded' | 'none';
  projectHeader: boolean;
  handle(context: RequestContext, input: Input<unknown, unknown, unknown>): Promise<AnyAnswer>;
}

/**
 * Declares one route: what it takes, what it answers, who may call it. From this declaration come
 * validation, access control, the OpenAPI document and the generated access tests. Throws when path
 * and params disagree, so a wrong declaration never starts.
 */
export function defineOperation<
  const R extends Responses,
  P extends z.ZodObject = NoFields,
  Q extends z.ZodObject = NoFields,
  B extends z.ZodType = z.ZodUndefined,
>(definition: OperationDefinition<P, Q, B, R>): Operation {
  const params: z.ZodObject = definition.params ?? z.strictObject({});
  const named = [...definition.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const declared = Object.keys(params.shape);
  if (named.toSorted().join() !== declared.toSorted().join()) {
    throw new Error(`${definition.id}: the path names {${named.join('}, {')}}, params declare ${declared.join(', ')}`);
  }
  if (definition.body !== undefined && definition.method === 'get') throw new Error(`${definition.id}: GET takes no body`);
  if (definition.projectHeader === true && !takesProject(definition.body ?? null)) throw new Error(`${definition.id}: it reads ${PROJECT_HEADER}, and its body takes no project_id`);
  const { access } = definition;
  if (access.kind === 'organization' && access.scopeFrom === 'path' && !named.includes('organization_id')) {
    throw new Error(`${definition.id}: its organization comes from the path, which has no {organization_id}`);
  }
  return {
    ...definition,
    description: definition.description,
    access: access as Access,
    params: params.strict(),
    query: (definition.query ?? z.strictObject({})).strict(),
    body: definition.body instanceof z.ZodObject ? definition.body.strict() : (definition.body ?? null),
    idempotency: definition.idempotency ?? 'recorded',
    projectHeader: definition.projectHeader ?? false,
    handle: definition.handle.bind(definition) as Operation['handle'],
  };
}
