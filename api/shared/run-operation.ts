import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, type FieldProblem } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { authenticate } from './authenticate.ts';
import { authorize, unauthenticated, type Standing } from './authorize.ts';
import type { Caller } from './caller.ts';
import type { ApiDependencies } from './dependencies.ts';
import { etagOf } from './etag.ts';
import {
  readIdempotencyKey,
  recordAnswer,
  Replayed,
  replayOf,
  transactOnce,
  type IdempotentRequest,
} from './idempotency.ts';
import type { AnyAnswer, Operation, RequestContext } from './operation.ts';
import { fieldProblems, invalidRequest, requestIdOf, TransportError } from './problem.ts';
import { PROJECT_HEADER, withProjectOf } from './project-header.ts';
import { unstorableText } from './storable-text.ts';
import { z } from './zod.ts';

const BODY_LIMIT = '1mb';
const readJson = express.json({ limit: BODY_LIMIT, strict: false });

/**
 * One request through one operation: who asks (401), what for (404), may they (403), what do they
 * say (400), was it said before, and then the handler.
 */
export function runOperation(deps: ApiDependencies, operation: Operation): RequestHandler {
  return async (request, response) => {
    const at = deps.clock.now();
    const caller = await authenticate(deps, request, at);
    if (caller === null && operation.access.kind !== 'public') throw unauthenticated();
    const params = parseParams(operation, request);
    const standing = await authorize(deps, operation, caller, params);
    await readBody(operation, request, response);
    const { query, body } = parseInput(operation, request);
    const requestOnce = idempotentRequest(operation, request, caller, at);
    const run = { deps, request, caller, standing, at, requestOnce };
    send(deps, operation, response, await answerOf(operation, run, { params, query, body }));
  };
}

interface Run {
  deps: ApiDependencies;
  request: Request;
  caller: Caller | null;
  standing: Standing | null;
  at: Instant;
  requestOnce: IdempotentRequest | null;
}

async function answerOf(
  operation: Operation,
  run: Run,
  input: { params: unknown; query: unknown; body: unknown },
): Promise<AnyAnswer> {
  const { deps, requestOnce } = run;
  const earlier = requestOnce === null ? null : await replayOf(deps.db, requestOnce);
  if (earlier !== null) return earlier;
  let recorded: AnyAnswer | null = null;
  const transact = async (work: (tx: Transaction) => Promise<AnyAnswer>): Promise<AnyAnswer> => {
    recorded = requestOnce === null ? await inTransaction(deps.db, work) : await transactOnce(deps.db, requestOnce, work);
    return recorded;
  };
  try {
    const answer = await operation.handle(contextOf(run, transact as RequestContext['transact']), input);
    if (requestOnce !== null && recorded === null) {
      throw new Error(`${operation.id} answered without transact(): its Idempotency-Key was not honoured`);
    }
    if (requestOnce !== null && recorded !== answer) await recordAnswer(deps.db, requestOnce, answer);
    return answer;
  } catch (error) {
    if (error instanceof Replayed) return error.answer;
    throw error;
  }
}

function contextOf(run: Run, transact: RequestContext['transact']): RequestContext {
  const { deps, request, caller, standing, at } = run;
  const requestId = requestIdOf(request);
  return {
    deps,
    log: request.log,
    requestId,
    at,
    caller,
    address: request.ip ?? 'unknown',
    header: (name) => request.get(name),
    transact,
    get actor(): Actor {
      if (caller === null) throw unauthenticated();
      return { kind: 'person', id: caller.userId, name: caller.displayName, requestId };
    },
    get organizationId(): string {
      if (standing === null) throw new Error('this operation declares no organization');
      return standing.organizationId;
    },
    get role(): OrganizationRole {
      if (standing === null) throw new Error('this operation declares no organization');
      return standing.role;
    },
  };
}

/** A path that does not fit names nothing. */
function parseParams(operation: Operation, request: Request): Record<string, unknown> {
  const parsed = operation.params.safeParse(request.params);
  if (parsed.success) return parsed.data;
  const fields = fieldProblems(parsed.error.issues);
  throw new DomainError({
    kind: 'not-found',
    code: 'request.no-such-item',
    message: fields.map(({ field, problem }) => `${field}: ${problem}`).join('; '),
    fields,
  });
}

/** Reads the body only once the caller may send it. */
async function readBody(operation: Operation, request: Request, response: Response): Promise<void> {
  // RFC 9112, section 6: these two fields say that there is a body.
  const length = request.headers['content-length'];
  const hasBody = request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  if (!hasBody) return;
  if (operation.body === null && ['get', 'delete'].includes(operation.method)) return;
  if (request.is('application/json') === false) throw new TransportError(415);
  await new Promise<void>((resolve, reject) => {
    readJson(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

function parseInput(operation: Operation, request: Request): { query: unknown; body: unknown } {
  const query = operation.query.safeParse(withLists(operation.query, request.query));
  // Body-less operations refuse every field of a body, by name.
  const said = operation.projectHeader ? withProjectOf(request.get(PROJECT_HEADER), operation.body, request.body) : (request.body as unknown);
  const body = (operation.body ?? z.strictObject({}).optional()).safeParse(said);
  const problems: FieldProblem[] = [
    ...(query.success ? [] : fieldProblems(query.error.issues)),
    ...(body.success ? [] : fieldProblems(body.error.issues)),
    ...unstorableText(request.query),
    ...unstorableText(request.body),
  ];
  if (problems.length > 0) throw invalidRequest(problems);
  return { query: query.data, body: body.data };
}

/** A parameter that may be repeated but was given once is a list of one. */
function withLists(schema: z.ZodObject, query: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, isList(schema.shape[name]) && !Array.isArray(value) ? [value] : value]),
  );
}

function isList(schema: unknown): boolean {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) return isList(schema.unwrap());
  if (schema instanceof z.ZodPipe) return isList(schema.in);
  return schema instanceof z.ZodArray;
}

function idempotentRequest(operation: Operation, request: Request, caller: Caller | null, at: Instant): IdempotentRequest | null {
  if (operation.method !== 'post' || operation.idempotency === 'none' || caller === null) return null;
  return readIdempotencyKey(request.get('idempotency-key'), {
    actor: caller.userId,
    method: request.method,
    path: request.originalUrl,
    // A header that is part of what is said is part of what must be the same.
    body: operation.projectHeader ? [request.body as unknown, request.get(PROJECT_HEADER) ?? null] : (request.body as unknown),
    at,
  });
}

function send(deps: ApiDependencies, operation: Operation, response: Response, answer: AnyAnswer): void {
  if (deps.config.checkAnswers) checkAnswer(operation, answer);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.version !== undefined) response.setHeader('ETag', etagOf(answer.version));
  response.setHeader('Cache-Control', 'no-store');
  response.status(answer.status);
  if (answer.body === null) response.end();
  else response.json(answer.body);
}

function checkAnswer(operation: Operation, answer: AnyAnswer): void {
  const schema = operation.responses[answer.status];
  if (schema === undefined) throw new Error(`${operation.id} answered ${answer.status}, which it does not declare`);
  // What a client gets is JSON: compare that.
  const body: unknown = answer.body === null ? null : JSON.parse(JSON.stringify(answer.body));
  const parsed = (schema ?? z.null()).safeParse(body);
  if (parsed.success) return;
  const problems = fieldProblems(parsed.error.issues).map(({ field, problem }) => `${field}: ${problem}`);
  throw new Error(`${operation.id} answered otherwise than it declares: ${problems.join('; ')}`);
}
