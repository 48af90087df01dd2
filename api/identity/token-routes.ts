import { createToken } from '../../commands/identity/create-token.ts';
import { revokeToken } from '../../commands/identity/revoke-token.ts';
import { listTokens } from '../../db/identity/token-store.ts';
import { TOKEN_SCOPES } from '../../domain/identity/token-scope.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { limitedTo, requireCaller, roleOf } from '../shared/authorize.ts';
import { flag, idOf, instantInput, searchText } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { tokenBody } from './schemas.ts';
import { tokenView } from './views.ts';

const list = defineOperation({
  method: 'get',
  path: '/v1/tokens',
  id: 'listTokens',
  summary: 'One’s own API tokens, newest first',
  description: 'A token that is limited to one organization sees and ends only those that are limited to it too.',
  tags: ['identity'],
  access: { kind: 'person' },
  tokenScope: 'admin',
  query: z.strictObject({
    ...pageFields,
    search: searchText.optional(),
    usable: flag.optional().openapi({ description: '`true` leaves out what expired or was revoked.' }),
  }),
  responses: { 200: pageOf(tokenBody) },
  async handle(context, { query }) {
    const caller = requireCaller(context.caller);
    const position = readCursor('listTokens', query, 1);
    const found = await listTokens(
      context.deps.db,
      caller.userId,
      { organizationId: limitedTo(caller), search: query.search, openAt: query.usable === true ? context.at : undefined },
      { limit: query.page_size + 1, before: position === null ? null : String(position[0]) },
    );
    return { status: 200, body: toPage('listTokens', query, found, { item: tokenView, positionOf: (row) => [row.id] }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/tokens',
  id: 'createToken',
  summary: 'Make an API token; its secret is shown this once',
  tags: ['identity'],
  access: { kind: 'person' },
  tokenScope: 'admin',
  body: z.strictObject({
    name: z.string().trim().min(1).max(200),
    scopes: z.array(z.enum(TOKEN_SCOPES)).min(1).max(TOKEN_SCOPES.length),
    organization_id: idOf('organization').optional().openapi({ description: 'Limits the token to this organization.' }),
    expires_at: instantInput.nullable().openapi({ description: 'When the token ends; null for a token without an end.' }),
  }),
  responses: { 201: z.strictObject({ token: tokenBody, secret: z.string() }) },
  async handle(context, { body }) {
    const caller = requireCaller(context.caller);
    const organizationId = body.organization_id ?? null;
    if (organizationId !== null && (await roleOf(context.deps, caller, organizationId)) === null) {
      throw new DomainError({
        kind: 'invalid-input',
        code: 'identity.no-such-organization',
        message: `There is no organization ${organizationId} that you may see.`,
        fields: [{ field: 'organization_id', problem: 'is no organization that you may see' }],
      });
    }
    const request = {
      userId: caller.userId,
      name: body.name,
      scopes: [...new Set(body.scopes)],
      organizationId,
      expiresAt: body.expires_at,
      parent: caller.credential.kind === 'token' ? caller.credential : null,
    };
    return await context.transact(async (tx) => {
      const { token, secret } = await createToken(tx, request, { at: context.at, by: context.actor });
      return { status: 201, body: { token: tokenView(token), secret }, holdsSecret: true };
    });
  },
});

const revoke = defineOperation({
  method: 'post',
  path: '/v1/tokens/{id}:revoke',
  id: 'revokeToken',
  summary: 'End one of one’s own tokens at once',
  tags: ['identity'],
  access: { kind: 'person' },
  tokenScope: 'admin',
  params: z.strictObject({ id: idOf('api-token') }),
  responses: { 200: tokenBody },
  async handle(context, { params }) {
    const caller = requireCaller(context.caller);
    const request = { userId: caller.userId, tokenId: params.id, organizationId: limitedTo(caller) };
    return await context.transact(async (tx) => {
      const token = await revokeToken(tx, request, { at: context.at, by: context.actor });
      return { status: 200, body: tokenView(token) };
    });
  },
});

export const tokenRoutes = [list, create, revoke];
