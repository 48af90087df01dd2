import { BUFFER_REASONS, DECLINE_REASONS, LONGEST_DESCRIPTION, MOST_WARN_DAYS, MOST_WARNINGS, PROJECT_ROLES, PROJECT_STATES } from '../../domain/projects/project.ts';
import { REHEARSED } from '../../domain/projects/rehearsal.ts';
import { RELEASE_OWNERS } from '../../domain/projects/release.ts';
import { PROJECT_SORTS } from '../../db/projects/project-cards.ts';
import { calendarDate } from '../shared/cost-fields.ts';
import { errorRecord, idOf, instant, searchText } from '../shared/fields.ts';
import { pageFields, sortedBy } from '../shared/page.ts';
import { exactBody, limitsBody } from '../quotas/schemas.ts';
import { z } from '../shared/zod.ts';

const named = z.strictObject({ id: z.string(), display_name: z.string() }).openapi('PersonInProject');
const period = z.strictObject({ start_date: calendarDate, end_date: calendarDate, application_id: z.string().nullable() }).openapi('ProjectPeriod');
const money = z.strictObject({ amount: z.string(), currency: z.string() }).openapi('CostOfKeeping');

export const projectsQuery = z.strictObject({
  ...pageFields,
  search: searchText.optional().openapi({ description: 'In name, code and description.' }),
  state: z.array(z.enum(PROJECT_STATES)).max(PROJECT_STATES.length).optional(),
  purpose_id: idOf('project-purpose').optional(),
  sort: sortedBy(PROJECT_SORTS).default('name'),
});

const cardFields = {
  id: z.string(),
  organization_id: z.string(),
  code: z.string().openapi({ description: 'Shown to people; unique in the organization.' }),
  name: z.string(),
  description: z.string(),
  purpose_id: z.string().nullable(),
  state: z.enum(PROJECT_STATES),
  state_reason: z.enum([...new Set([...DECLINE_REASONS, ...BUFFER_REASONS])]).nullable().openapi({ description: 'Why it was declined, or why it is in its buffer.' }),
  time_zone: z.string(),
  start_date: calendarDate,
  end_date: calendarDate.openapi({ description: 'The last local date, included.' }),
  days_left: z.int().nullable().openapi({ description: 'Local days until the end, or in a buffer until the release: 1 on the last one.' }),
  next: z
    .strictObject({ what: z.enum(['start', 'end', 'release']), on: calendarDate, at: instant })
    .nullable()
    .openapi({ description: 'What comes by itself. An end is named by its last date.' }),
  next_period: period.nullable().openapi({ description: 'The period that an approved extension adds.' }),
  pending_extension_id: z.string().nullable(),
  waiting_since: instant.nullable().openapi({ description: 'Since when its start waits for capacity that others hold.' }),
  managers: z.array(named),
  members: z.array(named),
  people_count: z.int().openapi({ description: 'Managers and members.' }),
  counts: z
    .strictObject({ bookings: z.int(), containers: z.int(), jobs: z.int() })
    .openapi({ description: 'What it has now, or will: bookings that are reserved or under way. Containers and jobs do not exist yet, and are 0.' }),
  quota: z
    .strictObject({ quota: limitsBody, used: exactBody, held: exactBody, free: limitsBody })
    .nullable()
    .openapi({ description: 'Null until it is approved.' }),
  role: z.enum(PROJECT_ROLES).nullable().openapi({ description: 'The caller’s role in it; null for who sees it as a manager of the organization.' }),
  version: z.int(),
  created_at: instant,
};

export const projectCardBody = z.strictObject(cardFields).openapi('ProjectCard');

const releasePart = z
  .strictObject({
    owner: z.enum(RELEASE_OWNERS),
    state: z.enum(['pending', 'released']),
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    last_error: errorRecord.nullable(),
    released: z.strictObject({ count: z.int(), ids: z.array(z.string()) }).nullable().openapi({ description: 'What it let go of; the first hundred by id.' }),
    ended_at: instant.nullable(),
  })
  .openapi('ReleasePart');

export const projectBody = z
  .strictObject({
    ...cardFields,
    starts_at: instant,
    ends_at: instant.openapi({ description: 'Not included: the start of the day after end_date.' }),
    periods: z.array(period),
    requested_quota: limitsBody.openapi({ description: 'What it was applied for with, and has once it is approved.' }),
    warn_days: z.array(z.int()),
    approved_at: instant.nullable(),
    started_at: instant.nullable(),
    waiting_for: z
      .strictObject({ projects: z.array(z.strictObject({ id: z.string(), name: z.string() })), others: z.int() })
      .nullable()
      .openapi({ description: 'Who holds the capacity it waits for; `others` counts projects that the caller may not see.' }),
    buffer: z
      .strictObject({
        number: z.int(),
        reason: z.enum(BUFFER_REASONS),
        entered_at: instant,
        ends_at: instant,
        ends_on: calendarDate.openapi({ description: 'The local date with which the release begins.' }),
        held_until: instant.nullable().openapi({ description: 'Until when a pending extension holds the release, unless it is decided before: seven days, or until its review ends undecided.' }),
      })
      .nullable(),
    keeping: z
      .strictObject({ a_day: money, until_release: money.nullable() })
      .nullable()
      .openapi({ description: 'What keeping its quota costs; null where the organization states no prices.' }),
    released_at: instant.nullable(),
    created_by: z.string(),
    workflow_id: z.string(),
  })
  .openapi('Project');

export const releasesBody = z
  .strictObject({ state: z.enum(PROJECT_STATES), parts: z.array(releasePart) })
  .openapi('ProjectRelease', { description: 'What each owner has let go of; empty until the release has begun.' });

const people = z.array(idOf('user')).max(500);

export const projectEdit = z
  .strictObject({
    name: z.string().trim().min(1).max(200).optional(),
    description: z.string().trim().max(LONGEST_DESCRIPTION).optional(),
    managers: people.optional().openapi({ description: 'Replaces who manages it; at least one.' }),
    members: people.optional().openapi({ description: 'Replaces who is a member besides.' }),
    warn_days: z
      .array(z.number())
      .max(100)
      .optional()
      .openapi({ description: `Days before the end on which managers are mailed: whole days from 1 to ${MOST_WARN_DAYS}, at most ${MOST_WARNINGS}; none switches warnings off.` }),
  })
  .openapi('EditProject');

export const deletionRequestedBody = z.strictObject({ expires_at: instant, tries: z.int() }).openapi('DeletionRequested');
export const deletionInput = z
  .strictObject({ code: z.string().trim().min(1).max(20).openapi({ description: 'Six digits, as mailed.' }) })
  .openapi('DeleteProject');
export const nothing = z.strictObject({}).openapi('Nothing');

export const rehearsalQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(366).default(30) });

export const rehearsalBody = z
  .strictObject({
    from: instant,
    to: instant,
    items: z.array(
      z.strictObject({
        project_id: z.string(),
        code: z.string(),
        name: z.string(),
        action: z.enum(REHEARSED).openapi({ description: 'As the ledger will name it.' }),
        at: instant,
        on: calendarDate.openapi({ description: 'The project’s local date then.' }),
        time_zone: z.string(),
      }),
    ),
  })
  .openapi('ExpiryRehearsal');
