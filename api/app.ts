import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { pinoHttp } from 'pino-http';
import { docsRouter } from './docs.ts';
import { healthRouter } from './health.ts';
import { createMetrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { secretLinkRouter, withoutSecret } from './secret-links.ts';
import type { ApiDependencies } from './shared/dependencies.ts';
import type { Operation } from './shared/operation.ts';
import { problemHandler, unknownPathHandler } from './shared/problem.ts';
import { runOperation } from './shared/run-operation.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const QUIET = new Set(['/healthz', '/readyz', '/metrics']);

/** The whole API as one Express app. Throws when two operations claim one path or id. */
export function createApp(deps: ApiDependencies, operations: Operation[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', deps.config.trustedProxies);
  app.use(requestLog(deps));
  app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } } }));
  const metrics = createMetrics();
  app.use(metrics.router, healthRouter(deps), docsRouter(openApiDocument(operations)));
  app.use(secretLinkRouter(deps, metrics));
  requireUnique(operations);
  // Longer literal text first, so that `{id}:policy` is not taken for an `{id}`.
  for (const operation of operations.toSorted((a, b) => Number(b.path.includes(':')) - Number(a.path.includes(':')))) {
    app[operation.method](expressPath(operation.path), metrics.measure(operation.id), runOperation(deps, operation));
  }
  app.use(unknownPathHandler());
  app.use(problemHandler());
  return app;
}

/** `{id}` becomes Express's `:id`; a verb's own colon is escaped. */
export function expressPath(path: string): string {
  return path.replaceAll(':', String.raw`\:`).replaceAll(/\{(\w+)\}/g, ':$1');
}

function requireUnique(operations: Operation[]): void {
  const seen = new Set<string>();
  for (const { id, method, path } of operations) {
    for (const name of [id, `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`]) {
      if (seen.has(name)) throw new Error(`two operations are ${name}`);
      seen.add(name);
    }
  }
}

/** One line a request, with its id; no header and no address that holds a credential, no body. */
function requestLog(deps: ApiDependencies) {
  return pinoHttp({
    logger: deps.log,
    genReqId(request: IncomingMessage, response: ServerResponse) {
      const given = request.headers['x-request-id'];
      const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
      response.setHeader('X-Request-Id', id);
      return id;
    },
    autoLogging: { ignore: (request) => QUIET.has(request.url ?? '') },
    // A failure is logged where it is turned into a problem; here only the fact.
    customLogLevel: (_request, response, error) => (error !== undefined || response.statusCode >= 500 ? 'warn' : 'info'),
    serializers: {
      req: ({ id, method, url }: { id: string; method: string; url: string }) => ({ id, method, url: withoutSecret(url) }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
    },
  });
}
