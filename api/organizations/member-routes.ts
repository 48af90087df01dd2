import { addMember } from '../../commands/organizations/add-member.ts';
import { changeMemberRole } from '../../commands/organizations/change-member-role.ts';
import { removeMember } from '../../commands/organizations/remove-member.ts';
import { getMember, listMembers, type Member } from '../../db/organizations/membership-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { ORGANIZATION_ROLES } from '../../domain/organizations/role.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { idOf, inOrganization, instant, searchText } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortedBy, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';
import { knownEmail } from '../identity/schemas.ts';

const role = z.enum(ORGANIZATION_ROLES);
const ofMember = inOrganization.extend({ user_id: idOf('user') });

const memberBody = z
  .strictObject({
    user_id: z.string(),
    email: z.string(),
    display_name: z.string(),
    role,
    disabled: z.boolean(),
    since: instant,
  })
  .openapi('Member');

function memberView(member: Member): z.input<typeof memberBody> {
  return {
    user_id: member.userId,
    email: member.email,
    display_name: member.displayName,
    role: member.role,
    disabled: member.disabled,
    since: member.createdAt,
  };
}

async function shown(tx: Transaction, organizationId: string, userId: string): Promise<{ body: z.input<typeof memberBody>; version: number }> {
  const member = await getMember(tx, organizationId, userId);
  if (member === null) throw notFound('member', userId);
  return { body: memberView(member), version: member.version };
}

const SORT_VALUE = {
  display_name: (member: Member) => member.displayName,
  email: (member: Member) => member.email,
  created_at: (member: Member) => member.createdAt,
};

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/members',
  id: 'listMembers',
  summary: 'Who belongs to an organization, with which role',
  tags: ['organizations'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    ...pageFields,
    search: searchText.optional(),
    role: role.optional(),
    sort: sortedBy(['display_name', 'email', 'created_at']).default('display_name'),
  }),
  responses: { 200: pageOf(memberBody) },
  async handle(context, { query }) {
    const position = readCursor('listMembers', query, 2);
    const found = await listMembers(
      context.deps.db,
      context.organizationId,
      { search: query.search, role: query.role },
      { limit: query.page_size + 1, sort: query.sort, after: position === null ? null : [String(position[0]), String(position[1])] },
    );
    const name = query.sort.replace(/^-/, '') as keyof typeof SORT_VALUE;
    const positionOf = (member: Member) => [SORT_VALUE[name](member), member.userId];
    return { status: 200, body: toPage('listMembers', query, found, { item: memberView, positionOf }) };
  },
});

const add = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/members',
  id: 'addMember',
  summary: 'Make someone who has an account a member',
  tags: ['organizations'],
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'admin',
  params: inOrganization,
  body: z.strictObject({ email: knownEmail, role }),
  responses: { 201: memberBody },
  async handle(context, { body }) {
    const { organizationId } = context;
    return await context.transact(async (tx) => {
      const membership = await addMember(tx, { organizationId, ...body }, { at: context.at, by: context.actor });
      return { status: 201, ...(await shown(tx, organizationId, membership.userId)) };
    });
  },
});

const get = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/members/{user_id}',
  id: 'getMember',
  summary: 'One member',
  tags: ['organizations'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: ofMember,
  responses: { 200: memberBody },
  async handle(context, { params }) {
    const member = await getMember(context.deps.db, context.organizationId, params.user_id);
    if (member === null) throw notFound('member', params.user_id);
    return { status: 200, body: memberView(member), version: member.version };
  },
});

const changeRole = defineOperation({
  method: 'patch',
  path: '/v1/organizations/{organization_id}/members/{user_id}',
  id: 'changeMemberRole',
  summary: 'Give a member another role',
  tags: ['organizations'],
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'admin',
  params: ofMember,
  body: z.strictObject({ role }),
  responses: { 200: memberBody },
  async handle(context, { params, body }) {
    const check = requireIfMatch(context, 'member');
    const { organizationId } = context;
    return await context.transact(async (tx) => {
      const request = { organizationId, userId: params.user_id, role: body.role };
      await changeMemberRole(tx, request, { at: context.at, by: context.actor, check });
      return { status: 200, ...(await shown(tx, organizationId, params.user_id)) };
    });
  },
});

const ENDS_WITH_IT = 'The person leaves the organization’s projects; their bookings are released or cancelled, offers to them go to the next in line, and they wait for nothing any more.';

const remove = defineOperation({
  method: 'delete',
  path: '/v1/organizations/{organization_id}/members/{user_id}',
  id: 'removeMember',
  summary: 'End a membership; the last manager stays',
  description: ENDS_WITH_IT,
  tags: ['organizations'],
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'admin',
  params: ofMember,
  responses: { 204: null },
  async handle(context, { params }) {
    const request = { organizationId: context.organizationId, userId: params.user_id };
    return await context.transact(async (tx) => {
      await removeMember(tx, request, { at: context.at, by: context.actor });
      return { status: 204, body: null };
    });
  },
});

const leave = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}:leave',
  id: 'leaveOrganization',
  summary: 'End one’s own membership; the last manager stays',
  description: ENDS_WITH_IT,
  tags: ['organizations'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'admin',
  params: inOrganization,
  responses: { 204: null },
  async handle(context) {
    const userId = context.actor.id ?? '';
    return await context.transact(async (tx) => {
      await removeMember(tx, { organizationId: context.organizationId, userId }, { at: context.at, by: context.actor });
      return { status: 204, body: null };
    });
  },
});

export const memberRoutes = [list, add, get, changeRole, remove, leave];
