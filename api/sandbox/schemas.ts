import { SANDBOX_ACTIONS } from '../../domain/sandbox/call.ts';
import { SANDBOX_INSTANCE_TYPE_NAMES, SANDBOX_REGIONS } from '../../domain/sandbox/catalogue.ts';
import { SANDBOX_FAULT_KINDS } from '../../domain/sandbox/fault.ts';
import { SANDBOX_STATES, SPOT_KINDS } from '../../domain/sandbox/instance.ts';
import { currencyCode, decimalText } from '../shared/cost-fields.ts';
import { flag, idOf, instant, instantInput, searchText } from '../shared/fields.ts';
import { pageFields, pageOf } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

/** As many instances as one request may make. */
export const MOST_AT_ONCE = 10_000;

const name = z.string().trim().min(1).max(200);
const seconds = z.number().int().min(0).max(86_400);
const region = z.enum(SANDBOX_REGIONS);
const instanceType = z.enum(SANDBOX_INSTANCE_TYPE_NAMES);
const tags = z
  .record(z.string().min(1).max(128), z.string().max(256))
  .refine((given) => Object.keys(given).length <= 50, { error: 'must be 50 tags at most' });
const groupId = idOf('sandbox-scaling-group').nullable();

const bootSeconds = seconds.openapi({ description: 'How long a start takes until it runs.' });
const stopSeconds = seconds.openapi({ description: 'How long a stop takes until it is stopped.' });
const localSsd = z.boolean().openapi({ description: 'Has local disks, which a stop empties.' });

export const instanceInput = z.strictObject({
  name: name.openapi({ description: 'Of several: the beginning of their names, a number follows.' }),
  count: z.number().int().min(1).max(MOST_AT_ONCE).default(1),
  region_id: region.default('sandbox-eu-1'),
  zone: z.string().max(40).nullable().default(null).openapi({ description: 'Without one they are spread over the region’s zones.' }),
  instance_type: instanceType.default('general.medium'),
  state: z.enum(['running', 'stopped']).default('running'),
  tags: tags.default({}),
  boot_seconds: bootSeconds.default(15),
  stop_seconds: stopSeconds.default(10),
  scaling_group_id: groupId.default(null),
  spot: z.enum(SPOT_KINDS).default('none'),
  stop_protection: z.boolean().default(false),
  instance_store_root: z.boolean().default(false),
  local_ssd: localSsd.default(false),
});

export const instanceEdit = z.strictObject({
  name: name.optional(),
  instance_type: instanceType.optional(),
  tags: tags.optional().openapi({ description: 'All of them: those left out go.' }),
  boot_seconds: bootSeconds.optional(),
  stop_seconds: stopSeconds.optional(),
  scaling_group_id: groupId.optional(),
  spot: z.enum(SPOT_KINDS).optional(),
  stop_protection: z.boolean().optional(),
  instance_store_root: z.boolean().optional(),
  local_ssd: localSsd.optional(),
});

export const instanceBody = z
  .strictObject({
    id: z.string().openapi({ description: 'Also its native id.' }),
    organization_id: z.string(),
    account_id: z.string(),
    name: z.string(),
    region_id: z.string(),
    zone: z.string(),
    instance_type: z.string(),
    tags: z.record(z.string(), z.string()),
    state: z.enum(SANDBOX_STATES),
    state_reason: z.string().nullable(),
    state_since: instant,
    changes_at: instant.nullable().openapi({ description: 'When it leaves this state by itself. Null with “stopping”: it is stuck.' }),
    boot_seconds: z.number().int(),
    stop_seconds: z.number().int(),
    scaling_group_id: z.string().nullable(),
    spot: z.enum(SPOT_KINDS),
    stop_protection: z.boolean(),
    instance_store_root: z.boolean(),
    local_ssd: z.boolean(),
    launched_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('SandboxInstance');

export const createdBody = z
  .strictObject({
    created: z.number().int(),
    items: z.array(instanceBody).openapi({ description: 'The first hundred of them.' }),
  })
  .openapi('CreatedSandboxInstances');

export const instancesQuery = z.strictObject({
  ...pageFields,
  search: searchText.optional().openapi({ description: 'Part of a name or id, without case.' }),
  state: z.enum(['starting', 'running', 'stopping', 'stopped']).optional(),
  region_id: region.optional(),
  instance_type: instanceType.optional(),
  scaling_group_id: idOf('sandbox-scaling-group').optional(),
});
export const instancesBody = pageOf(instanceBody);

const price = decimalText.refine((value) => !value.startsWith('-') && value.length <= 20, { error: 'must be a price of 0 or more' });

export const sandboxEdit = z.strictObject({
  operations: z.boolean().optional(),
  refuses_whole_batches: z.boolean().optional(),
  prices: z
    .array(z.strictObject({ instance_type: instanceType, hourly_price: price.nullable().openapi({ description: 'In USD; null puts the list price back.' }) }))
    .max(SANDBOX_INSTANCE_TYPE_NAMES.length)
    .optional()
    .openapi({ description: 'Types that are not named keep their price.' }),
});

export const sandboxBody = z
  .strictObject({
    account_id: z.string(),
    operations: z.boolean().openapi({ description: 'Starts and stops answer with a long-running operation.' }),
    refuses_whole_batches: z.boolean().openapi({ description: 'One instance that is refused has the whole call refused.' }),
    instance_types: z.array(
      z.strictObject({
        name: z.string(),
        vcpus: z.number().int(),
        memory_gib: z.number().int(),
        hourly_price: decimalText,
        list_hourly_price: decimalText,
        currency: currencyCode,
      }),
    ),
    regions: z.array(z.strictObject({ id: z.string(), zones: z.array(z.string()) })),
    instances: z.record(z.string(), z.number().int()).openapi({ description: 'How many are in each state.' }),
  })
  .openapi('Sandbox');

const actions = z.enum(SANDBOX_ACTIONS);
const faultKind = z.enum(SANDBOX_FAULT_KINDS).openapi({
  description:
    'unavailable, bad-credentials, permission-denied, throttled: the call is refused. answer-lost: it is carried out and nobody is told. ' +
    'no-capacity, quota-exceeded: the start of an instance is refused. operation-fails: the call is accepted and the instance falls back. ' +
    'stuck-stopping: the stop is accepted and never ends.',
});

export const faultInput = z.strictObject({
  kind: faultKind,
  action: actions.nullable().default(null).openapi({ description: 'Only these calls; all when left out.' }),
  region_id: region.nullable().default(null),
  instance_type: instanceType.nullable().default(null),
  instance_id: idOf('sandbox-instance').nullable().default(null),
  count: z.number().int().min(1).max(1_000_000).nullable().default(null).openapi({ description: 'How often it strikes; until it is cleared when left out.' }),
  percent: z.number().int().min(1).max(100).default(100).openapi({ description: 'Strikes this share of what it meets.' }),
  seed: z.number().int().min(0).max(2_147_483_647).default(1).openapi({ description: 'The same seed strikes the same of what it meets.' }),
  retry_after_seconds: z.number().int().min(1).max(3600).nullable().default(null).openapi({ description: 'Of throttled: what the caller is told.' }),
  message: z.string().trim().min(1).max(500).nullable().default(null).openapi({ description: 'What the cloud says, in place of its own words.' }),
});

export const faultBody = z
  .strictObject({
    id: z.string(),
    kind: z.enum(SANDBOX_FAULT_KINDS),
    action: actions.nullable(),
    region_id: z.string().nullable(),
    instance_type: z.string().nullable(),
    instance_id: z.string().nullable(),
    remaining: z.number().int().nullable().openapi({ description: 'How often it still strikes; null for ever.' }),
    percent: z.number().int(),
    seed: z.number().int(),
    met: z.number().int(),
    struck: z.number().int(),
    retry_after_seconds: z.number().int().nullable(),
    message: z.string().nullable(),
    created_at: instant,
  })
  .openapi('SandboxFault');

export const groupInput = z.strictObject({
  name,
  replaced_after_seconds: seconds.default(30).openapi({ description: 'How long a stopped member stands before it is terminated and replaced.' }),
});
export const groupEdit = z.strictObject({ name: name.optional(), replaced_after_seconds: seconds.optional() });

const group = { id: z.string(), account_id: z.string(), name: z.string(), replaced_after_seconds: z.number().int(), created_at: instant };
export const groupBody = z.strictObject(group).openapi('SandboxScalingGroup');
export const listedGroupBody = z.strictObject({ ...group, members: z.number().int() }).openapi('ListedSandboxScalingGroup');

export const callsQuery = z.strictObject({
  ...pageFields,
  action: actions.optional(),
  via: z.enum(['api', 'console']).optional(),
  instance_id: idOf('sandbox-instance').optional(),
  outcome: z.string().max(40).optional().openapi({ description: 'accepted, answer-lost or a problem such as throttled.' }),
  changed: flag.optional().openapi({ description: 'true: only what set an instance on another course.' }),
  since: instantInput.optional(),
  until: instantInput.optional(),
});

export const callBody = z
  .strictObject({
    number: z.number().int().openapi({ description: 'Grows with each line of the log.' }),
    at: instant,
    via: z.enum(['api', 'console']),
    action: actions,
    region_id: z.string().nullable(),
    instance_id: z.string().nullable().openapi({ description: 'A start or stop has a line for each of its instances.' }),
    instance_name: z.string().nullable(),
    batch: z.number().int().openapi({ description: 'How many instances the call was about.' }),
    request_key: z.string().nullable(),
    outcome: z.string(),
    changed: z.boolean(),
    detail: z.string().nullable(),
  })
  .openapi('SandboxCall');
