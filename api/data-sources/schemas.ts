import { DISCOVERED_TYPES } from '../../domain/resources/discovered-resource.ts';
import { CLOUDS } from '../../domain/resources/instance.ts';
import { currencyCode, decimalText } from '../shared/cost-fields.ts';
import { errorRecord, instant } from '../shared/fields.ts';
import { z } from '../shared/zod.ts';
import { DIALECTS, settings } from './connection-schemas.ts';

export const editInput = z
  .strictObject({
    name: settings.name.optional(),
    linked_accounts: settings.linked_accounts.optional(),
    import_interval_minutes: settings.import_interval_minutes.optional(),
    discovery_interval_minutes: settings.discovery_interval_minutes.optional(),
    paused: z.boolean().optional(),
  })
  .openapi('EditDataSource');

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

const currencyTotals = z.strictObject({ currency: currencyCode, rows: z.int(), billed_cost: decimalText });
const skippedAccounts = z
  .array(currencyTotals.extend({ account_id: z.string() }))
  .openapi({ description: 'Accounts that `linked_accounts: connected` left out, with what they cost.' });
const changes = z.strictObject({ added: z.int(), changed: z.int(), removed: z.int() });

const reconciliation = z.array(
  z.strictObject({
    currency: currencyCode,
    file_rows: z.int().openapi({ description: 'Line items taken from the files.' }),
    files_billed_cost: decimalText.openapi({ description: 'Their exact sum.' }),
    stored_billed_cost: decimalText.openapi({ description: 'Of what is stored: equal, or the import fails.' }),
  }),
);

const differences = z.strictObject({
  cost_rows: changes,
  resources: changes,
  billed: z.array(z.strictObject({ currency: currencyCode, before: decimalText, after: decimalText })),
  services: z
    .array(z.strictObject({ service: z.string(), currency: currencyCode, billed_change: decimalText }))
    .openapi({ description: 'Services whose billed cost moved.' }),
});

/** An import with what it did, month by month and file by file. */
export const importDetailBody = importBody
  .extend({
    periods: z.array(
      z.strictObject({
        billing_period: z.string(),
        outcome: z.enum(['unchanged', 'replaced']),
        completeness: z.string(),
        reconciliation,
        differences: differences.openapi({ description: 'From what was recorded of the month before.' }),
        skipped_accounts: skippedAccounts,
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
        skipped_accounts: skippedAccounts,
      }),
    ),
  })
  .openapi('BillingImportDetail');

/** How the discovery of an account stands. */
const discoveryStatus = {
  interval_minutes: z.int(),
  state: z.enum(['idle', 'waiting', 'running']),
  operation_id: z.string().nullable().openapi({ description: 'Of the discovery that runs or waits, where somebody asked for it.' }),
  last_attempt_at: instant.nullable(),
  last_success_at: instant.nullable().openapi({ description: 'The last time that everything could be listed.' }),
  last_error: errorRecord.nullable(),
};

export const dataSourceBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    cloud: z.enum(CLOUDS),
    kind: z
      .enum(['root', 'linked', 'account'])
      .openapi({ description: 'root: its bill is imported. linked: its costs come with the bill of its root. account: bills of its cloud are not read yet.' }),
    name: z.string(),
    account_id: z.string(),
    connection: z
      .strictObject({ account: z.string().optional(), region: z.string().optional() })
      .openapi({ description: 'What identifies the account with its cloud beside the credentials.' }),
    credentials_kind: z.enum(['key-pair', 'assumed-role', 'default-chain', 'client-secret', 'service-account-key', 'access-key', 'none']),
    export: exportBody.nullable(),
    linked_accounts: z.enum(['all', 'connected']).nullable().openapi({ description: 'These three are null where no bill is read.' }),
    import_interval_minutes: z.int().nullable(),
    initial_months: z.int().nullable(),
    state: z.enum(['active', 'paused', 'deleting', 'deleted']),
    last_attempt_at: instant.nullable(),
    last_success_at: instant.nullable(),
    last_error: errorRecord.nullable(),
    warnings: z.array(z.string()),
    running_import: importBody.nullable(),
    waiting_import: importBody.nullable(),
    discovery: z.strictObject(discoveryStatus).nullable().openapi({ description: 'Null for a directory of bills without credentials: there is no account to look into.' }),
    version: z.int(),
    created_at: instant,
  })
  .openapi('DataSource');

export const policyBody = z
  .record(z.string(), z.unknown())
  .openapi('PermissionDocument', { description: 'An IAM or RAM policy, or a custom role: as the cloud’s own console and command line take it.' });

/** What could be listed of an account, by type of resource and by what the cloud lists in one go. */
export const discoveryBody = z
  .strictObject({
    data_source_id: z.string(),
    ...discoveryStatus,
    resource_types: z.array(
      z.strictObject({
        resource_type: z.enum(DISCOVERED_TYPES),
        status: z
          .enum(['pending', 'listed', 'incomplete', 'failed'])
          .openapi({ description: 'incomplete: some scopes could not be listed. pending: not looked for yet.' }),
        error: errorRecord.nullable().openapi({ description: 'Why the type, or one of its scopes, could not be listed.' }),
        resources: z.int().openapi({ description: 'Known and not gone.' }),
        scopes: z.array(
          z.strictObject({
            scope: z.string().openapi({ description: 'A region, a zone, or the subscription.' }),
            status: z.enum(['listed', 'failed']),
            error: errorRecord.nullable(),
            resources: z.int(),
            last_attempt_at: instant,
            last_success_at: instant.nullable(),
          }),
        ),
      }),
    ),
  })
  .openapi('Discovery');
