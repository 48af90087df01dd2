import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { DomainError, toErrorRecord, type FieldProblem } from '../../domain/shared/errors.ts';
import { httpStatusOf } from '../../domain/shared/error-kinds.ts';
import { z } from './zod.ts';

/** The body of every failure: a problem document (RFC 9457) with a stable code. */
export const problemBody = z
  .strictObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().openapi({ description: 'Stable and machine readable.' }),
    fields: z.array(z.strictObject({ field: z.string(), problem: z.string() })).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    request_id: z.string(),
  })
  .openapi('Problem');

/** Refuses a request with every wrong field. */
export function invalidRequest(fields: FieldProblem[]): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'request.invalid',
    message: fields.map(({ field, problem }) => `${field}: ${problem}`).join('; '),
    fields,
  });
}

/** What zod found, one entry a field, unknown fields by their own names. */
export function fieldProblems(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): FieldProblem[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ field: fieldName([...path, key]), problem: 'is not known here; remove it or correct its name' }));
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      // The alternative with the fewest problems is most likely the one that was meant.
      const [closest = []] = issue.errors.toSorted((a, b) => a.length - b.length);
      return fieldProblems(closest, path);
    }
    return [{ field: fieldName(path), problem: issue.message }];
  });
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'body' : path.map(String).join('.');
}

/** Statuses that Express and its body parser raise by themselves, with a code and a remedy of ours. */
const TRANSPORT: Record<number, { code: string; detail: string }> = {
  400: { code: 'request.malformed', detail: 'The request cannot be read.' },
  413: { code: 'request.too-large', detail: 'The body is larger than is taken here; send less at a time.' },
  415: { code: 'request.unsupported-media-type', detail: 'The body must be JSON in UTF-8, with Content-Type: application/json.' },
};

/** A failure of HTTP itself, which has no error kind of the domain. */
export class TransportError extends Error {
  readonly status: number;

  constructor(status: 400 | 413 | 415) {
    super(TRANSPORT[status]?.detail);
    this.status = status;
  }
}

interface Problem {
  status: number;
  code: string;
  detail: string;
  fields?: FieldProblem[] | undefined;
  details?: Record<string, unknown> | undefined;
}

/** The id that the request log gave this request: always text. */
export function requestIdOf(request: { id: unknown }): string {
  if (typeof request.id !== 'string') throw new TypeError('the request log runs before everything else and gives each request an id');
  return request.id;
}

/** Turns whatever was thrown into a problem document. What nobody expected is logged and answered as 500 `internal`. */
export function problemHandler(): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const problem = toProblem(error);
    if (problem.status >= 500) (request.log as Logger).error({ err: error }, 'request failed');
    if (error instanceof DomainError && error.retryAfterSeconds !== undefined) {
      response.setHeader('Retry-After', String(Math.ceil(error.retryAfterSeconds)));
    }
    if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="orrery"');
    sendProblem(response, requestIdOf(request), problem);
  };
}

/** No operation has this path, or not with this method. */
export function unknownPathHandler(): RequestHandler {
  return (request, response) => {
    sendProblem(response, requestIdOf(request), {
      status: 404,
      code: 'request.no-such-path',
      detail: `There is no ${request.method} ${request.path}; /docs lists what there is.`,
    });
  };
}

function sendProblem(response: Response, requestId: string, { status, code, detail, fields, details }: Problem): void {
  response
    .status(status)
    .type('application/problem+json')
    .send(
      JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, code, fields, details, request_id: requestId }),
    );
}

function toProblem(error: unknown): Problem {
  if (error instanceof DomainError) {
    const { code, message, fields, details } = toErrorRecord(error);
    return { status: httpStatusOf(error), code, detail: message, fields, details };
  }
  const transport = transportProblem(error);
  if (transport !== null) return transport;
  const { code, message } = toErrorRecord(error);
  return { status: 500, code, detail: message };
}

/** Errors of body-parser carry `type` and `status`: https://github.com/expressjs/body-parser#errors */
function transportProblem(error: unknown): Problem | null {
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (type === 'entity.parse.failed') {
    return { status: 400, code: 'request.malformed-json', detail: `The body is not JSON: ${(error as Error).message}.` };
  }
  if (error instanceof URIError) {
    return { status: 400, code: 'request.malformed-path', detail: 'The path holds a percent sign that encodes nothing; encode it as %25.' };
  }
  const known = typeof status === 'number' ? TRANSPORT[status] : undefined;
  return known === undefined ? null : { status: status as number, ...known };
}
