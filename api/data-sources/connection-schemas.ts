import { DISCOVERY_MINUTES } from '../../domain/data-sources/discovery.ts';
import { DEFAULT_SANDBOX_ACCOUNT } from '../../domain/sandbox/account.ts';
import { z } from '../shared/zod.ts';

export const DIALECTS = ['cur', 'cur2'] as const;
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
const clientSecret = z.strictObject({ kind: z.literal('client-secret'), tenant_id: text, client_id: text, client_secret: text });
const serviceAccountKey = z.strictObject({
  kind: z.literal('service-account-key'),
  key: z
    .union([z.string().min(1).max(20_000), z.record(z.string(), z.unknown())])
    .openapi({ description: 'The JSON file that Google made for the key, as an object or as its text.' }),
});
const accessKey = z.strictObject({ kind: z.literal('access-key'), access_key_id: text, access_key_secret: text });

/** Credentials as they are sent: sealed at once, never answered. */
const awsCredentials = z.discriminatedUnion('kind', [keyPair, defaultChain, assumedRole]);
const azureCredentials = z.discriminatedUnion('kind', [clientSecret, defaultChain]);
const gcpCredentials = z.discriminatedUnion('kind', [serviceAccountKey, defaultChain]);
/** Of any cloud: which one a data source takes, its cloud says. */
const anyCredentials = z.discriminatedUnion('kind', [keyPair, defaultChain, assumedRole, clientSecret, serviceAccountKey, accessKey]);

/** Where the bill lies or is to lie. */
const exportInput = z.discriminatedUnion('scheme', [
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

export const importInterval = z.union([z.literal(15), z.literal(60), z.literal(360), z.literal(1440)]);
export const discoveryInterval = z
  .int()
  .min(DISCOVERY_MINUTES.least)
  .max(DISCOVERY_MINUTES.most)
  .openapi({ description: 'Minutes between two looks at what the account holds.' });
export const settings = {
  name: z.string().trim().min(1).max(100),
  linked_accounts: z.enum(['all', 'connected']).openapi({ description: 'Whose rows of the bill are taken. Skipped accounts are listed with their totals.' }),
  import_interval_minutes: importInterval,
  discovery_interval_minutes: discoveryInterval,
};

const anyAccount = { name: settings.name, discovery_interval_minutes: discoveryInterval.default(DISCOVERY_MINUTES.usual) };

const connectAws = z.strictObject({
  cloud: z.literal('aws').default('aws'),
  kind: z.enum(['root', 'linked']).default('root').openapi({ description: 'A linked account has credentials only.' }),
  ...anyAccount,
  linked_accounts: settings.linked_accounts.default('all'),
  import_interval_minutes: importInterval.default(60),
  initial_months: z.int().min(1).max(36).default(4).openapi({ description: 'How many of the newest months the first import reads.' }),
  credentials: awsCredentials.optional(),
  export: exportInput.optional(),
});
const connectAzure = z.strictObject({ cloud: z.literal('azure'), ...anyAccount, subscription_id: text, credentials: azureCredentials });
const connectGcp = z.strictObject({
  cloud: z.literal('gcp'),
  ...anyAccount,
  project_id: text.optional().openapi({ description: 'Default: the project that the key belongs to.' }),
  credentials: gcpCredentials,
});
const connectAlibaba = z.strictObject({
  cloud: z.literal('alibaba'),
  ...anyAccount,
  region: text.optional().openapi({ description: 'The region whose endpoint is asked first; cn-hangzhou by default.' }),
  credentials: accessKey,
});
const connectSandbox = z.strictObject({
  cloud: z.literal('sandbox'),
  ...anyAccount,
  account: text.default(DEFAULT_SANDBOX_ACCOUNT).openapi({ description: 'A name you choose; the sandbox of that name is made by being named.' }),
});

/** A new connection to a cloud account. */
export const connectInput = z
  .discriminatedUnion('cloud', [connectAws, connectAzure, connectGcp, connectAlibaba, connectSandbox], {
    error: ({ code }) => (code === 'invalid_union' ? 'must be aws, azure, gcp, alibaba or sandbox' : undefined),
  })
  .openapi('ConnectDataSource');

/** New credentials, new export settings (AWS), another first region (Alibaba Cloud), or several of these. */
export const reconnectInput = z
  .strictObject({ credentials: anyCredentials.optional(), export: exportInput.optional(), region: text.optional() })
  .openapi('ReconnectDataSource');

export type ConnectBody = z.output<typeof connectInput>;
export type ReconnectBody = z.output<typeof reconnectInput>;
export type AnyCredentials = z.output<typeof anyCredentials>;
