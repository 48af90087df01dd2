import { getDataSource, organizationOfDataSource } from '../../db/data-sources/data-source-store.ts';
import { leastPrivilegePolicy, type PolicyOptions } from '../../domain/data-sources/aws-policy.ts';
import type { ExportSettings } from '../../domain/data-sources/data-source.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { policyBody } from './schemas.ts';

const tags = ['data-sources'];

/** An IAM policy document, ready to paste. */
const ofSource = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}:policy',
  id: 'getDataSourcePolicy',
  summary: 'The least-privilege IAM policy for a data source as it is set',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: ({ db }, { id }) => organizationOfDataSource(db, id) },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('data-source') }),
  responses: { 200: policyBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const source = await getDataSource(deps.db, organizationId, id);
    if (source === null) throw notFound('data-source', id);
    const { export: settings, accountId } = source;
    const options = settings === null ? undefined : { ...settings, accountId };
    const policy = leastPrivilegePolicy(policyOptions(options));
    return { status: 200, body: policyOrNone(policy) };
  },
});

const ofOptions = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/data-sources:policy',
  id: 'getConnectionPolicy',
  summary: 'The least-privilege IAM policy for a connection that is yet to be made',
  description: 'What is not given stands as a wildcard in the policy.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    kind: z.enum(['root', 'linked']).default('root'),
    scheme: z.enum(['adopt', 'create', 'bucket-only', 'directory']).default('adopt'),
    dialect: z.enum(['cur', 'cur2']).optional(),
    account_id: z.string().regex(/^\d{12}$/, { error: 'must be the 12 digits of an AWS account' }).optional(),
    bucket: z.string().max(63).optional(),
    prefix: z.string().max(1024).optional(),
    name: z.string().max(128).optional(),
  }),
  responses: { 200: policyBody },
  async handle(_context, { query }) {
    const given = { dialect: null, accountId: query.account_id ?? null, bucket: null, prefix: '', name: null, ...query };
    const policy = leastPrivilegePolicy(policyOptions(query.kind === 'linked' ? undefined : given));
    return { status: 200, body: policyOrNone(policy) };
  },
});

interface Chosen {
  scheme: ExportSettings['scheme'];
  dialect: ExportSettings['dialect'] | null;
  accountId: string | null;
  bucket: string | null;
  prefix: string;
  name: string | null;
}

function policyOptions(chosen: Chosen | undefined): PolicyOptions {
  if (chosen === undefined) return { kind: 'linked' };
  const { scheme, dialect, accountId, bucket, prefix, name } = chosen;
  if (scheme === 'directory') return { kind: 'root', scheme };
  return { kind: 'root', scheme, dialect, accountId, bucket, prefix, name };
}

function policyOrNone(policy: object | null): Record<string, unknown> {
  if (policy !== null) return { ...policy };
  throw new DomainError({
    kind: 'conflict',
    code: 'data-sources.no-policy-needed',
    message: 'This kind of connection makes no call that an IAM policy could allow: GetCallerIdentity needs none, a directory is no AWS.',
  });
}

export const policyRoutes = [ofOptions, ofSource];
