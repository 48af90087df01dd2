import { createPurpose, deletePurpose, editPurpose } from '../../commands/projects/purposes.ts';
import { getPurpose, listPurposes, organizationOfPurpose } from '../../db/projects/purpose-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { problemOfAmount } from '../../domain/quotas/amounts.ts';
import type { ProjectPurpose } from '../../domain/projects/purpose.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { flag, idOf, inOrganization, instant, searchText } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const tags = ['projects'];
const params = z.strictObject({ id: idOf('project-purpose') });
const ofPurpose = (role: 'member' | 'manager') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfPurpose(db, id),
});

const limit = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    const wrong = problemOfAmount(text);
    if (wrong !== null) context.addIssue({ code: 'custom', message: wrong.problem });
  })
  .nullable()
  .openapi({ description: 'The most one project may have: exact decimal text; null for no limit.' });
const fields = {
  name: z.string().trim().min(1).max(200),
  description: z.string().trim().max(2000),
  max_gpu: limit,
  max_cpu: limit,
  max_ram_gib: limit,
  max_days: z.int().min(1).max(36_600).nullable().openapi({ description: 'The most days one project may last, extensions included; null for no limit.' }),
  active: z.boolean().openapi({ description: 'Whether projects may be applied for with it.' }),
};

const purposeInput = z
  .strictObject({
    ...fields,
    description: fields.description.default(''),
    max_gpu: limit.default(null),
    max_cpu: limit.default(null),
    max_ram_gib: limit.default(null),
    max_days: fields.max_days.default(null),
    active: fields.active.default(true),
  })
  .openapi('CreateProjectPurpose');
const purposeEdit = z.strictObject(fields).partial().openapi('EditProjectPurpose');

const text = z.string().nullable();
const purposeBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    description: z.string(),
    max_gpu: text,
    max_cpu: text,
    max_ram_gib: text,
    max_days: z.int().nullable(),
    active: z.boolean(),
    version: z.int(),
    created_at: instant,
  })
  .openapi('ProjectPurpose');

function purposeView(purpose: ProjectPurpose): z.input<typeof purposeBody> {
  const { id, name, description, active, version } = purpose;
  const limits = { max_gpu: purpose.maxGpu, max_cpu: purpose.maxCpu, max_ram_gib: purpose.maxRamGib, max_days: purpose.maxDays };
  return { id, organization_id: purpose.organizationId, name, description, ...limits, active, version, created_at: purpose.createdAt };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/project-purposes',
  id: 'listProjectPurposes',
  summary: 'What projects are for, by name, with what each allows',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({ ...pageFields, active: flag.optional(), search: searchText.optional() }),
  responses: { 200: pageOf(purposeBody) },
  async handle({ deps, organizationId }, { query }) {
    const cursor = readCursor('listProjectPurposes', query, 2);
    const after: [string, string] | null = cursor === null ? null : [String(cursor[0]), String(cursor[1])];
    const found = await listPurposes(deps.db, organizationId, { active: query.active, search: query.search }, { limit: query.page_size + 1, after });
    return { status: 200, body: toPage('listProjectPurposes', query, found, { item: purposeView, positionOf: ({ name, id }) => [name, id] }) };
  },
});

const create = defineOperation({
  method: 'post',
  path: '/v1/organizations/{organization_id}/project-purposes',
  id: 'createProjectPurpose',
  summary: 'Define what projects may be for, and what each of them may have',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: purposeInput,
  responses: { 201: purposeBody },
  handle: ({ transact, organizationId, at, actor: by }, { body }) =>
    transact(async (tx) => {
      const { max_gpu: maxGpu, max_cpu: maxCpu, max_ram_gib: maxRamGib, max_days: maxDays, ...rest } = body;
      const purpose = await createPurpose(tx, organizationId, { ...rest, maxGpu, maxCpu, maxRamGib, maxDays }, { at, by });
      return { status: 201, body: purposeView(purpose), version: purpose.version, headers: { Location: `/v1/project-purposes/${purpose.id}` } };
    }),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/project-purposes/{id}',
  id: 'getProjectPurpose',
  summary: 'A purpose of projects',
  tags,
  access: ofPurpose('member'),
  tokenScope: 'read',
  params,
  responses: { 200: purposeBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const purpose = await getPurpose(deps.db, organizationId, id);
    if (purpose === null) throw notFound('project-purpose', id);
    return { status: 200, body: purposeView(purpose), version: purpose.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/project-purposes/{id}',
  id: 'editProjectPurpose',
  summary: 'Change a purpose, or take it out of use; what was granted stays',
  tags,
  access: ofPurpose('manager'),
  tokenScope: 'write',
  params,
  body: purposeEdit,
  responses: { 200: purposeBody },
  async handle(context, { params: { id }, body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'project-purpose');
    const { max_gpu: maxGpu, max_cpu: maxCpu, max_ram_gib: maxRamGib, max_days: maxDays, ...rest } = body;
    const purpose = await inTransaction(deps.db, (tx) => editPurpose(tx, { organizationId, id }, { ...rest, maxGpu, maxCpu, maxRamGib, maxDays }, { at, by, check }));
    return { status: 200, body: purposeView(purpose), version: purpose.version };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/project-purposes/{id}',
  id: 'deleteProjectPurpose',
  summary: 'Delete a purpose that no project has; one in use is deactivated instead',
  tags,
  access: ofPurpose('manager'),
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle(context, { params: { id } }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'project-purpose');
    await inTransaction(deps.db, (tx) => deletePurpose(tx, { organizationId, id }, { at, by, check }));
    return { status: 204, body: null };
  },
});

export const purposeRoutes = [list, create, get, edit, remove];
