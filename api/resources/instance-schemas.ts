import { CANNOT_STOP_REASONS, CLOUDS, INSTANCE_STATES } from '../../domain/resources/instance.ts';
import { INSTANCE_SORTS } from '../../domain/resources/instance-query.ts';
import { currencyCode, decimalText, valuesOf } from '../shared/cost-fields.ts';
import { idOf, instant, searchText } from '../shared/fields.ts';
import { pageFields, pageOf, sortedBy } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

export const instancesQuery = z.strictObject({
  ...pageFields,
  search: searchText.optional().openapi({ description: 'Part of a name or native id, without case.' }),
  data_source: z.array(idOf('data-source')).max(200).optional().openapi({ description: 'Only instances of these data sources. Repeatable.' }),
  cloud: z.array(z.enum(CLOUDS)).optional().openapi({ description: 'Only these clouds. Repeatable.' }),
  region: valuesOf('Only these regions.'),
  state: z.array(z.enum(INSTANCE_STATES)).optional().openapi({ description: 'Only these states. Repeatable.' }),
  type: valuesOf('Only these sizes, as the cloud names them.'),
  can_stop: z.enum(['true', 'false']).optional().openapi({ description: 'Only those that can, or cannot, be stopped and started.' }),
  tag: z
    .array(z.string().min(1).max(600))
    .max(50)
    .optional()
    .openapi({ description: 'KEY=VALUE, as the cloud writes them. Repeatable: values of one key are alternatives.' }),
  gone: z.enum(['exclude', 'include', 'only']).default('exclude').openapi({ description: 'Instances that the cloud lists no more.' }),
  sort: sortedBy(INSTANCE_SORTS).default('name'),
});

const instanceFields = {
  data_source_id: z.string(),
  instance_type: z.string().openapi({ description: 'Its size, as the cloud names it.' }),
  zone: z.string().nullable(),
  state: z.enum(INSTANCE_STATES).openapi({
    description: 'stopped costs no compute (Azure: deallocated); stopped-billed is off and still charged.',
  }),
  state_reason: z.string().nullable().openapi({ description: 'What the cloud says led to the state.' }),
  observed_at: instant,
  launched_at: instant.nullable(),
  can_stop: z
    .strictObject({ allowed: z.boolean(), reason: z.enum(CANNOT_STOP_REASONS).nullable(), detail: z.string().nullable() })
    .openapi({ description: 'Whether it can be stopped and started. With local disks, once discard_local_ssd is set.' }),
  discard_local_ssd: z.boolean(),
  hourly_price: z.strictObject({ amount: decimalText, currency: currencyCode }).nullable(),
  first_discovered_at: instant,
  last_discovered_at: instant,
  gone_at: instant.nullable(),
  power_schedule_id: z.string().nullable(),
  power: z
    .strictObject({ wanted: z.enum(['on', 'off']), wanted_since: instant, decided_by: z.string().nullable(), decided_by_id: z.string().nullable() })
    .nullable()
    .openapi({ description: 'What it is meant to be, and by whom; null while nobody wants anything of it.' }),
};

/** What a resource is besides when it is an instance. */
export const instanceBlock = z.strictObject(instanceFields).openapi('InstanceOfResource');

export const instanceBody = z
  .strictObject({
    id: z.string().openapi({ description: 'The id of its resource.' }),
    organization_id: z.string(),
    cloud: z.enum(CLOUDS),
    account_id: z.string(),
    native_id: z.string(),
    name: z.string(),
    region: z.string(),
    tags: z.record(z.string(), z.string()).openapi({ description: 'As the cloud writes them.' }),
    ...instanceFields,
    version: z.int(),
  })
  .openapi('Instance');

export const instancesBody = pageOf(instanceBody);

export const editInstanceInput = z
  .strictObject({
    discard_local_ssd: z.boolean().optional().openapi({ description: 'Stopping may empty its local disks.' }),
  })
  .openapi('EditInstance');
