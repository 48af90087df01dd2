import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { secretLinks, type SecretLink } from './secret-links.ts';
import { etagOf } from './shared/etag.ts';
import type { Operation } from './shared/operation.ts';
import { problemBody } from './shared/problem.ts';
import { PROJECT_HEADER, projectHeaderField } from './shared/project-header.ts';
import { z } from './shared/zod.ts';

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

/** The header fields an operation reads beside its credentials. */
function headersOf(operation: Operation) {
  const fields: Record<string, z.ZodType> = {};
  if (operation.method === 'post' && operation.idempotency === 'recorded') {
    const key = z.string().min(1).max(255).optional();
    fields['Idempotency-Key'] = key.openapi({ description: 'Same key and body, same answer, for 24 hours.' });
  }
  if (operation.method === 'put' || operation.method === 'patch') {
    fields['If-Match'] = z.string().optional().openapi({ description: 'The ETag of what was read, where the item has one.', example: etagOf(3) });
  }
  if (operation.projectHeader) fields[PROJECT_HEADER] = projectHeaderField;
  return Object.keys(fields).length === 0 ? undefined : z.object(fields);
}

function responsesOf(operation: Operation) {
  const declared = Object.entries(operation.responses).map(([status, schema]) => [
    status,
    { description: operation.summary, ...(schema !== null && { content: { 'application/json': { schema } } }) },
  ]);
  const problem = { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: problemBody } } };
  return { ...Object.fromEntries(declared), default: problem } as Record<string, { description: string }>;
}

/** Who may call it, for readers and for the generated access tests. */
function accessOf({ access, tokenScope }: Operation) {
  if (access.kind !== 'organization') return { kind: access.kind, token_scope: tokenScope };
  return { kind: access.kind, role: access.role, scope: access.scopeFrom === 'path' ? 'path' : 'item', token_scope: tokenScope };
}

/** An address whose secret part is the whole right to call it. */
function registerSecretLink(registry: OpenAPIRegistry, link: SecretLink): void {
  const named = [...link.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const content = Object.fromEntries(link.requestTypes.map((type) => [type, { schema: z.record(z.string(), z.unknown()) }]));
  const responses = Object.entries(link.responses).map(([status, { description, type }]) => [
    status,
    { description, ...(type !== undefined && { content: { [type]: { schema: z.string() } } }) },
  ]);
  const problem = { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: problemBody } } };
  registry.registerPath({
    method: link.method,
    path: link.path,
    operationId: link.id,
    summary: link.summary,
    description: link.description,
    tags: [link.tag],
    security: [],
    'x-orrery-access': { kind: 'secret-link' },
    request: {
      params: z.strictObject(Object.fromEntries(named.map((name) => [name, z.string()]))),
      ...(link.requestTypes.length > 0 && { body: { required: true, content } }),
    },
    responses: { ...Object.fromEntries(responses), default: problem } as Record<string, { description: string }>,
  });
}

/** The OpenAPI 3.1 document, from the very schemas the routes validate with. */
export function openApiDocument(operations: Operation[]): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer', description: 'An API token, from POST /v1/tokens.' });
  registry.registerComponent('securitySchemes', 'session', { type: 'apiKey', in: 'cookie', name: 'orrery_session', description: 'From POST /v1/session; __Host-orrery_session over TLS.' });
  for (const operation of operations) {
    const headers = headersOf(operation);
    registry.registerPath({
      method: operation.method,
      path: operation.path,
      operationId: operation.id,
      summary: operation.summary,
      ...(operation.description !== undefined && { description: operation.description }),
      tags: operation.tags,
      security: operation.access.kind === 'public' ? [] : [{ token: [] }, { session: [] }],
      'x-orrery-access': accessOf(operation),
      request: {
        params: operation.params,
        query: operation.query,
        ...(headers !== undefined && { headers }),
        ...(operation.body !== null && {
          body: { required: !operation.body.safeParse(undefined).success, content: { 'application/json': { schema: operation.body } } },
        }),
      },
      responses: responsesOf(operation),
    });
  }
  for (const link of secretLinks) registerSecretLink(registry, link);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Orrery',
      version: '1',
      description: 'Cloud cost and ML infrastructure as durable processes. Failures are problem documents (RFC 9457) with a stable `code`.',
    },
    // Wherever the document was read from.
    servers: [{ url: '/' }],
  });
}
