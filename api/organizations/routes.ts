import { createOrganization } from '../../commands/organizations/create-organization.ts';
import { renameOrganization } from '../../commands/organizations/rename-organization.ts';
import { getOrganization, listOrganizations, type ListedOrganization } from '../../db/organizations/organization-store.ts';
import type { Organization } from '../../domain/organizations/organization.ts';
import { ORGANIZATION_ROLES } from '../../domain/organizations/role.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { unauthenticated } from '../shared/authorize.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { inOrganization, instant, searchText } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortedBy, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { invitationRoutes } from './invitation-routes.ts';
import { memberRoutes } from './member-routes.ts';

const name = z.string().trim().min(1).max(200);
const organizationBody = z.strictObject({ id: z.string(), name: z.string(), created_at: instant }).openapi('Organization');
const listedBody = z.strictObject({
  ...organizationBody.shape,
  role: z.enum(ORGANIZATION_ROLES).nullable().openapi({ description: 'One’s own; null for a platform administrator who is no member.' }),
});

function organizationView(organization: Organization): z.input<typeof organizationBody> {
  return { id: organization.id, name: organization.name, created_at: organization.createdAt };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations',
  id: 'listOrganizations',
  summary: 'The organizations these credentials reach',
  tags: ['organizations'],
  access: { kind: 'person' },
  tokenScope: 'read',
  query: z.strictObject({ ...pageFields, search: searchText.optional(), sort: sortedBy(['name', 'created_at']).default('name') }),
  responses: { 200: pageOf(listedBody) },
  async handle(context, { query }) {
    const { caller } = context;
    if (caller === null) throw unauthenticated();
    const position = readCursor('listOrganizations', query, 2);
    const onlyId = caller.credential.kind === 'token' ? caller.credential.organizationId : null;
    const found = await listOrganizations(
      context.deps.db,
      { userId: caller.userId, everything: caller.platformAdministrator, onlyId },
      { search: query.search },
      { limit: query.page_size + 1, sort: query.sort, after: position === null ? null : [String(position[0]), String(position[1])] },
    );
    const item = (row: ListedOrganization) => ({ ...organizationView(row), role: row.role });
    const positionOf = (row: ListedOrganization) => [query.sort.endsWith('name') ? row.name : row.createdAt, row.id];
    return { status: 200, body: toPage('listOrganizations', query, found, { item, positionOf }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations',
  id: 'createOrganization',
  summary: 'Make an organization and become its first manager',
  tags: ['organizations'],
  access: { kind: 'platform-administrator' },
  tokenScope: 'admin',
  body: z.strictObject({ name }),
  responses: { 201: organizationBody },
  async handle(context, { body }) {
    return await context.transact(async (tx) => {
      const organization = await createOrganization(tx, { name: body.name }, { at: context.at, by: context.actor });
      const headers = { Location: `/v1/organizations/${organization.id}` };
      return { status: 201, body: organizationView(organization), version: organization.version, headers };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}',
  id: 'getOrganization',
  summary: 'One organization',
  tags: ['organizations'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  responses: { 200: organizationBody },
  async handle(context) {
    const organization = await getOrganization(context.deps.db, context.organizationId);
    if (organization === null) throw notFound('organization', context.organizationId);
    return { status: 200, body: organizationView(organization), version: organization.version };
  },
});

const rename = defineOperation({
  method: 'patch',
  path: '/v1/organizations/{organization_id}',
  id: 'renameOrganization',
  summary: 'Give an organization another name',
  tags: ['organizations'],
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'admin',
  params: inOrganization,
  body: z.strictObject({ name }),
  responses: { 200: organizationBody },
  async handle(context, { body }) {
    const check = requireIfMatch(context, 'organization');
    return await context.transact(async (tx) => {
      const request = { organizationId: context.organizationId, name: body.name };
      const organization = await renameOrganization(tx, request, { at: context.at, by: context.actor, check });
      return { status: 200, body: organizationView(organization), version: organization.version };
    });
  },
});

export const organizationRoutes = [list, create, get, rename, ...memberRoutes, ...invitationRoutes];
