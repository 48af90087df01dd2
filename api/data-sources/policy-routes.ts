import { getDataSource, organizationOfDataSource } from '../../db/data-sources/data-source-store.ts';
import type { PolicyOptions } from '../../domain/data-sources/aws-policy.ts';
import type { ExportSettings } from '../../domain/data-sources/data-source.ts';
import { awsPolicy, permissionText } from '../../domain/data-sources/permission-document.ts';
import { CLOUDS } from '../../domain/resources/instance.ts';
import { invalidField, notFound } from '../../domain/shared/errors.ts';
import { idOf, inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { policyBody } from './schemas.ts';

const tags = ['data-sources'];

/** A document ready to paste into the cloud's console. */
const ofSource = defineOperation({
  method: 'get',
  path: '/v1/data-sources/{id}:policy',
  id: 'getDataSourcePolicy',
  summary: 'The least that a data source as it is set must be allowed, as its cloud takes it',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: ({ db }, { id }) => organizationOfDataSource(db, id) },
  tokenScope: 'read',
  params: z.strictObject({ id: idOf('data-source') }),
  responses: { 200: policyBody },
  async handle({ deps, organizationId }, { params: { id } }) {
    const source = await getDataSource(deps.db, organizationId, id);
    if (source === null) throw notFound('data-source', id);
    const { cloud, export: settings, accountId, credentialsKind } = source;
    if (cloud !== 'aws') return { status: 200, body: documentOf(permissionText(cloud, accountId).document) };
    const options = policyOptions(settings === null ? undefined : { ...settings, accountId });
    return { status: 200, body: documentOf(awsPolicy(options, { id: accountId, credentials: credentialsKind !== 'none' })) };
  },
});

const ofOptions = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/data-sources:policy',
  id: 'getConnectionPolicy',
  summary: 'The least that a connection which is yet to be made must be allowed',
  description: 'What is not given stands as a wildcard, or as a name to replace. Everything but `cloud` and `account_id` is for AWS.',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    cloud: z.enum(CLOUDS).default('aws'),
    kind: z.enum(['root', 'linked']).optional().openapi({ description: 'Default: root.' }),
    scheme: z.enum(['adopt', 'create', 'bucket-only', 'directory']).optional().openapi({ description: 'Default: adopt.' }),
    dialect: z.enum(['cur', 'cur2']).optional(),
    account_id: z.string().max(64).optional().openapi({ description: 'The account, subscription or project it is for.' }),
    bucket: z.string().max(63).optional(),
    prefix: z.string().max(1024).optional(),
    name: z.string().max(128).optional(),
  }),
  responses: { 200: policyBody },
  async handle(_context, { query: { cloud, account_id: accountId = null, ...forAws } }) {
    if (cloud !== 'aws') {
      const [misplaced] = Object.keys(forAws);
      if (misplaced !== undefined) throw invalidField('data-sources.malformed', misplaced, 'is only for AWS; leave it out.');
      return { status: 200, body: documentOf(permissionText(cloud, accountId).document) };
    }
    if (accountId !== null && !/^\d{12}$/.test(accountId)) {
      throw invalidField('data-sources.malformed', 'account_id', 'must be the 12 digits of an AWS account.');
    }
    const { kind = 'root', ...given } = forAws;
    const chosen = { scheme: 'adopt' as const, dialect: null, bucket: null, prefix: '', name: null, ...given, accountId };
    const options = policyOptions(kind === 'linked' ? undefined : chosen);
    return { status: 200, body: documentOf(awsPolicy(options, { id: accountId, credentials: kind === 'linked' || chosen.scheme !== 'directory' })) };
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

function documentOf(document: unknown): Record<string, unknown> {
  return { ...(document as Record<string, unknown>) };
}

export const policyRoutes = [ofOptions, ofSource];
