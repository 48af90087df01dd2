import { BOOKING_STATES } from '../../domain/bookings/booking.ts';
import { ENVIRONMENT_STATUSES } from '../../domain/environments/environment.ts';
import { DEFAULT_PROPERTIES, LONGEST_NAME, LONGEST_VALUE, MOST_PROPERTIES } from '../../domain/environments/properties.ts';
import { errorRecord, flag, idOf, instant, instantInput, searchText } from '../shared/fields.ts';
import { pageFields } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const MOST_MARKED = 1_000;

const word = z.string().trim().min(1).max(255);
const owner = idOf('user').nullable().openapi({ description: 'A member of the organization, or null.' });
const propertiesText = `Free text by name: names of up to ${LONGEST_NAME} characters, values of up to ${LONGEST_VALUE}, ${MOST_PROPERTIES} of them.`;

/** Names and lengths are the domain's to check, so that every refusal names the property. */
const properties = z.record(z.string(), z.string()).openapi({ description: propertiesText, example: { Description: 'Payments, stage', IP: '10.0.4.17' } });
const propertyPatch = z.record(z.string(), z.string().nullable()).openapi({ description: `${propertiesText} Merged; null takes one away.` });

export const environmentInput = z
  .strictObject({
    name: word,
    resource_type: word.openapi({ example: 'Instance' }),
    ssh_required: z.boolean().default(false).openapi({ description: 'A booking needs an SSH key.' }),
    properties: properties.default({ ...DEFAULT_PROPERTIES }),
    owner_user_id: owner.default(null),
    pool_id: idOf('pool').nullable().default(null).openapi({ description: 'The root pool when null.' }),
  })
  .openapi('CreateEnvironment');

export const environmentEdit = z
  .strictObject({
    name: word.optional(),
    resource_type: word.optional(),
    ssh_required: z.boolean().optional(),
    properties: propertyPatch.optional(),
    owner_user_id: owner.optional(),
    pool_id: idOf('pool').optional(),
    power_on_before: z.boolean().optional().openapi({ description: 'Start its instance before a booking, by its boot time.' }),
    power_off_after: z.boolean().optional().openapi({ description: 'Stop its instance after a booking.' }),
  })
  .openapi('EditEnvironment');

export const holderBody = z.strictObject({ id: z.string(), display_name: z.string() });

export const environmentBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    resource_type: z.string(),
    resource_id: z.string().nullable().openapi({ description: 'The instance or cluster that was marked as shared; null for one made by hand.' }),
    active: z.boolean(),
    status: z.enum(ENVIRONMENT_STATUSES).openapi({ description: 'At the instant of the request: unavailable when it is out of service, in-use while somebody holds it.' }),
    ssh_required: z.boolean(),
    properties: z.record(z.string(), z.string()),
    owner: holderBody.nullable(),
    pool: z.strictObject({ id: z.string(), name: z.string() }),
    power_on_before: z.boolean(),
    power_off_after: z.boolean(),
    collector_url_made_at: instant.nullable().openapi({ description: 'When its collector_url was made; null when pipelines cannot report to it.' }),
    upcoming_bookings: z
      .array(
        z.strictObject({
          id: z.string(),
          state: z.enum(BOOKING_STATES),
          since: instant,
          until: instant.nullable(),
          holder: holderBody,
        }),
      )
      .openapi({ description: 'Running and future ones, the first five.' }),
    version: z.int(),
    created_at: instant,
  })
  .openapi('Environment');

export const listQuery = z.strictObject({
  ...pageFields,
  search: searchText.optional().openapi({ description: 'In name, type and the values of properties.' }),
  status: z.enum(ENVIRONMENT_STATUSES).optional(),
  accessible_by_me: flag.optional().openapi({ description: '`true` leaves those that you may book: you are engineer or manager, it is in service, and you have an SSH key where one is required.' }),
  resource_type: word.optional(),
  pool_id: idOf('pool').optional(),
  owner_user_id: idOf('user').optional(),
});

export const markInput = z.strictObject({ resource_ids: z.array(idOf('resource')).min(1).max(MOST_MARKED) }).openapi('MarkResources');

export const markedBody = z
  .strictObject({
    items: z.array(
      z.strictObject({
        resource_id: z.string(),
        outcome: z.enum(['shared', 'already-shared', 'unshared', 'not-shared', 'refused']),
        environment_id: z.string().nullable(),
        status: z.int().openapi({ description: 'What this one alone would have been answered with.' }),
        error: errorRecord.nullable(),
      }),
    ),
    counts: z.record(z.string(), z.int()),
  })
  .openapi('MarkedResources');

export const historyQuery = z.strictObject({
  ...pageFields,
  from: instantInput.optional(),
  to: instantInput.optional().openapi({ description: 'Not included.' }),
  property: z.string().min(1).max(LONGEST_NAME).optional(),
});

export const propertyChangeBody = z
  .strictObject({
    id: z.string(),
    at: instant,
    by: z.strictObject({ kind: z.enum(['person', 'system']), id: z.string().nullable(), name: z.string() }),
    changes: z.record(z.string(), z.strictObject({ old: z.string().nullable(), new: z.string().nullable() })),
  })
  .openapi('PropertyChange');

export const collectorUrlBody = z
  .strictObject({
    collector_url: z.string().openapi({ description: 'Shown this once. Whoever has it can report: keep it as a secret of the pipeline.' }),
    environment: environmentBody,
  })
  .openapi('CollectorUrl');

export const collectorSetupBody = z
  .strictObject({
    made_at: instant.nullable(),
    secret_name: z.string(),
    shell: z.string(),
    gitlab_ci: z.string(),
    github_actions: z.string(),
    jenkins: z.string(),
    webhooks: z.strictObject({ github: z.string(), gitlab: z.string(), jenkins: z.string() }),
  })
  .openapi('CollectorSetup');
