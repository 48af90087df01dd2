import { errorRecord, instant } from '../shared/fields.ts';
import { z } from '../shared/zod.ts';

const DIALECTS = ['cur', 'cur2'] as const;
const dialect = z.enum(DIALECTS).openapi({ description: 'cur: legacy Cost and Usage Report; cur2: CUR 2.0 of Data Exports.' });
const text = z.string().trim().min(1).max(1024);

const keyPair = z.strictObject({
  kind: z.literal('key-pair'),
  access_key_id: text,
  secret_access_key: text,
  session_token: z.string().min(1).max(8192).optional(),
});
const defaultChain = z.strictObject({ kind: z.literal('default-chain') });
const assumedRole = z.strictObject({
  kind: z.literal('assumed-role'),
  role_arn: text,
  external_id: text.optional(),
  base: z.discriminatedUnion('kind', [keyPair, defaultChain]).default({ kind: 'default-chain' }),
});

/** Credentials as they are sent: sealed at once, never answered. */
export const credentialsInput = z.discriminatedUnion('kind', [keyPair, defaultChain, assumedRole]);

/** Where the bill lies or is to lie. */
export const exportInput = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('adopt'), dialect: dialect.nullable().default(null), name: text.nullable().default(null), bucket: text.nullable().default(null) }),
  z.strictObject({ scheme: z.literal('create'), dialect: dialect.default('cur2'), name: text, bucket: text, prefix: text, region: text }),
  z.strictObject({
    scheme: z.literal('bucket-only'),
    dialect: dialect.nullable().default(null),
    name: text.nullable().default(null),
    bucket: text,
    prefix: z.string().max(1024).default(''),
    region: text.nullable().default(null),
  }),
  z.strictObject({
    scheme: z.literal('directory'),
    dialect: dialect.nullable().default(null),
    name: text.nullable().default(null),
    path: text,
    prefix: z.string().max(1024).default(''),
  }),
]);

const interval = z.union([z.literal(15), z.literal(60), z.literal(360), z.literal(1440)]);

const settings = {
  name: z.string().trim().min(1).max(100),
  linked_accounts: z.enum(['all', 'connected']).openapi({ description: 'Whose rows of the bill are taken. Skipped accounts are listed with their totals.' }),
  import_interval_minutes: interval,
};

/** A new connection. A linked account has credentials only. */
export const connectInput = z
  .strictObject({
    cloud: z.literal('aws').default('aws'),
    kind: z.enum(['root', 'linked']).default('root'),
    ...settings,
    linked_accounts: settings.linked_accounts.default('all'),
    import_interval_minutes: interval.default(60),
    initial_months: z.int().min(1).max(36).default(4).openapi({ description: 'How many of the newest months the first import reads.' }),
    credentials: credentialsInput.optional(),
    export: exportInput.optional(),
  })
  .openapi('ConnectDataSource');

export const editInput = z
  .strictObject({
    name: settings.name.optional(),
    linked_accounts: settings.linked_accounts.optional(),
    import_interval_minutes: interval.optional(),
    paused: z.boolean().optional(),
  })
  .openapi('EditDataSource');

/** New credentials, new export settings, or both. */
export const reconnectInput = z.strictObject({ credentials: credentialsInput.optional(), export: exportInput.optional() }).openapi('ReconnectDataSource');

export const importInput = z
  .strictObject({
    months: z
      .array(z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, { error: 'must be a month like 2026-10' }))
      .max(36)
      .default([])
      .openapi({ description: 'Months to read again even if unchanged. None: whatever changed.' }),
  })
  .openapi('ImportDataSource');

const exportBody = z.strictObject({
  scheme: z.enum(['adopt', 'create', 'bucket-only', 'directory']),
  dialect: z.enum(DIALECTS),
  name: z.string().nullable(),
  bucket: z.string().nullable(),
  prefix: z.string(),
  region: z.string().nullable(),
  path: z.string().nullable(),
});

export const importBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    data_source_id: z.string(),
    operation_id: z.string(),
    cause: z.enum(['first', 'schedule', 'request']),
    requested_months: z.array(z.string()),
    state: z.enum(['scheduled', 'running', 'completed', 'failed', 'cancelled']),
    months: z.array(z.strictObject({ month: z.string(), state: z.string(), files: z.int(), bytes: z.int(), rows: z.int() })),
    error: errorRecord.nullable(),
    created_at: instant,
    started_at: instant.nullable(),
    finished_at: instant.nullable(),
  })
  .openapi('BillingImport');

const currencyTotals = z.strictObject({ currency: z.string(), rows: z.int(), billed_cost: z.string() });

/** An import with what it did, month by month and file by file. */
export const importDetailBody = importBody
  .extend({
    periods: z.array(
      z.strictObject({
        billing_period: z.string(),
        outcome: z.enum(['unchanged', 'replaced']),
        completeness: z.string(),
        reconciliation: z.unknown(),
        differences: z.unknown(),
      }),
    ),
    files: z.array(
      z.strictObject({
        billing_period: z.string(),
        object_key: z.string(),
        sha256: z.string(),
        size_bytes: z.int(),
        rows: z.int(),
        split_rows: z.int(),
        taken: z.array(currencyTotals),
        skipped_accounts: z.array(currencyTotals.extend({ account_id: z.string() })),
      }),
    ),
  })
  .openapi('BillingImportDetail');

export const dataSourceBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    cloud: z.literal('aws'),
    kind: z.enum(['root', 'linked']),
    name: z.string(),
    account_id: z.string(),
    credentials_kind: z.enum(['key-pair', 'assumed-role', 'default-chain', 'none']),
    export: exportBody.nullable(),
    linked_accounts: z.enum(['all', 'connected']),
    import_interval_minutes: z.int(),
    initial_months: z.int(),
    state: z.enum(['active', 'paused', 'deleting', 'deleted']),
    last_attempt_at: instant.nullable(),
    last_success_at: instant.nullable(),
    last_error: errorRecord.nullable(),
    warnings: z.array(z.string()),
    running_import: importBody.nullable(),
    waiting_import: importBody.nullable(),
    version: z.int(),
    created_at: instant,
  })
  .openapi('DataSource');

export const policyBody = z.record(z.string(), z.unknown()).openapi('IamPolicy');
