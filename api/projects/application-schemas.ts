import { APPLICATION_SORTS, type ApplicationSort } from '../../db/projects/application-list.ts';
import { APPLICATION_ACTIONS } from '../../domain/projects/application-rules.ts';
import { APPLICATION_STATES, APPLICATION_TYPES, DECIDER_ROLES } from '../../domain/projects/application.ts';
import { LONGEST_DESCRIPTION } from '../../domain/projects/project.ts';
import { calendarDate } from '../shared/cost-fields.ts';
import { errorRecord, idOf, instant, searchText } from '../shared/fields.ts';
import { pageFields, sortedBy } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const MOST_IN_BULK = 100;
const MOST_PEOPLE = 500;

/** Amounts from a caller: the domain says what is wrong with each. */
const amount = z.string().max(200).openapi({ description: 'Exact decimal text like "0.625": zero or more, at most 6 decimals.' });
const decimal = z.string().openapi({ description: 'Exact decimal text.' });
const reason = z.string().trim().max(2000).default('');
const remark = z.string().trim().max(2000);
const people = z.array(idOf('user')).max(MOST_PEOPLE);
const projectOfBody = idOf('project').openapi({ description: 'May be left out where the header Orrery-Project names it.' });

const quotaInput = z
  .strictObject({ gpu: amount, cpu: amount.nullable(), ram_gib: amount.nullable() })
  .openapi('ApplicationQuota', { description: 'GPUs in pieces, CPUs in cores, RAM in GiB; null for no limit, where the organization has none.' });

const forProject = z.strictObject({
  type: z.literal('project'),
  name: z.string().trim().min(1).max(200),
  description: z.string().trim().max(LONGEST_DESCRIPTION).default(''),
  start_date: calendarDate.openapi({ description: 'Local date in the time zone.' }),
  end_date: calendarDate.openapi({ description: 'Local date, included: the project lasts until its end.' }),
  time_zone: z.string().min(1).max(64).openapi({ description: 'IANA name, like Europe/Berlin.' }),
  managers: people.openapi({ description: 'At least one; members of the organization.' }),
  members: people.default([]),
  purpose_id: idOf('project-purpose').nullable().default(null).openapi({ description: 'Needed where the organization has defined purposes.' }),
  quota: quotaInput,
  reason,
});

const forExtension = z.strictObject({
  type: z.literal('period-extension'),
  project_id: projectOfBody,
  days: z.int().openapi({ description: 'Calendar days, counted from the project’s old end.' }),
  reason,
});

const forGpus = z.strictObject({
  type: z.literal('gpu-quota'),
  project_id: projectOfBody,
  additional_gpus: amount.openapi({ description: 'How many more; exact decimal text.' }),
  reason,
});

export const applyInput = z
  .discriminatedUnion('type', [forProject, forExtension, forGpus], {
    error: ({ code }) => (code === 'invalid_union' ? `must be one of ${APPLICATION_TYPES.join(', ')}` : undefined),
  })
  .openapi('Apply');

export const revokeInput = z
  .strictObject({ confirmed: z.literal(true, { error: 'must be true: a revoked application cannot be brought back' }) })
  .openapi('RevokeApplication');
export const approveInput = z.strictObject({ remark: remark.default('') }).openapi('ApproveApplication');
export const declineInput = z.strictObject({ remark: remark.openapi({ description: 'Why: the applicant reads it. Not empty.' }) }).openapi('DeclineApplication');
export const delegateInput = z.strictObject({ user_id: idOf('user').openapi({ description: 'A manager of the organization.' }) }).openapi('DelegateApplication');

const ids = z.array(idOf('application')).min(1).max(MOST_IN_BULK);
export const approveManyInput = z.strictObject({ ids, remark: remark.default('') }).openapi('ApproveApplications');
export const declineManyInput = z.strictObject({ ids, remark }).openapi('DeclineApplications');

const person = z.strictObject({ id: z.string(), display_name: z.string() });

export const applicationBody = z
  .strictObject({
    id: z.string(),
    organization_id: z.string(),
    type: z.enum(APPLICATION_TYPES),
    status: z.enum(APPLICATION_STATES),
    project: z.strictObject({ id: z.string(), code: z.string(), name: z.string(), time_zone: z.string() }),
    purpose: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
    applicant: person.extend({ email: z.string() }),
    application_date: instant,
    start_date: calendarDate,
    end_date: calendarDate.openapi({ description: 'Included.' }),
    next_start_date: calendarDate.nullable().openapi({ description: 'Of an extension: the first date it adds.' }),
    next_end_date: calendarDate.nullable().openapi({ description: 'Of an extension: the last date it adds.' }),
    extension_days: z.int().nullable(),
    quota: z.strictObject({ gpu: decimal, cpu: decimal.nullable(), ram_gib: decimal.nullable() }).nullable().openapi({ description: 'Of a project: what it is to have.' }),
    additional_gpus: decimal.nullable(),
    old_gpus: decimal.nullable().openapi({ description: 'The total before, as it was when the application was made or approved.' }),
    new_gpus: decimal.nullable(),
    reason: z.string(),
    remark: z.string().nullable(),
    no_room: z
      .strictObject({ at: instant, first_fit_date: calendarDate.nullable().openapi({ description: 'The first local date from which it would have fitted; null where no later start did.' }) })
      .nullable()
      .openapi({ description: 'The newest approval that found no room; the applicant is mailed each date once.' }),
    delegate: person.nullable().openapi({ description: 'The manager who is asked first; others may decide too.' }),
    escalates_at: instant,
    escalated_at: instant.nullable(),
    expires_at: instant,
    decided_at: instant.nullable(),
    decided_by: z.string().nullable(),
    decided_as: z.enum(DECIDER_ROLES).nullable(),
    allowed_actions: z.array(z.enum(APPLICATION_ACTIONS)),
    workflow_id: z.string(),
    version: z.int(),
  })
  .openapi('Application');

export const decidedManyBody = z
  .strictObject({
    items: z.array(
      z.strictObject({
        id: z.string(),
        outcome: z.enum(['approved', 'declined', 'refused']),
        status: z.int().openapi({ description: 'What this one alone would have been answered with.' }),
        application: applicationBody.nullable(),
        error: errorRecord.nullable(),
      }),
    ),
    counts: z.record(z.string(), z.int()),
  })
  .openapi('DecidedApplications');

export const applicationsQuery = z.strictObject({
  ...pageFields,
  type: z.array(z.enum(APPLICATION_TYPES)).max(3).optional(),
  status: z.array(z.enum(APPLICATION_STATES)).max(5).optional(),
  project_id: idOf('project').optional(),
  applicant_user_id: idOf('user').optional(),
  delegate_user_id: idOf('user').optional(),
  search: searchText.optional().openapi({ description: 'Part of the project’s name or code, or of the applicant’s name or address.' }),
  sort: sortedBy(Object.keys(APPLICATION_SORTS) as ApplicationSort[]).default('-application_date'),
});

export const previewQuery = z.strictObject({ days: z.coerce.number().int().openapi({ description: 'Calendar days, counted from the old end.' }) });

export const previewBody = z
  .strictObject({
    project_id: z.string(),
    time_zone: z.string(),
    start_date: calendarDate,
    end_date: calendarDate,
    days: z.int(),
    minimum_days: z.int(),
    next_start_date: calendarDate,
    next_end_date: calendarDate,
  })
  .openapi('ExtensionPreview');
