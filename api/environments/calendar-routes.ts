import { calendarBookings, calendarEnvironments, takenPeriods, type CalendarEnvironment } from '../../db/environments/calendar.ts';
import { BOOKING_STATES } from '../../domain/bookings/booking.ts';
import { freePeriods, type Window } from '../../domain/environments/free-periods.ts';
import { DomainError, invalidField } from '../../domain/shared/errors.ts';
import { idOf, inOrganization, instant, instantInput } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { holderBody } from './schemas.ts';

const tags = ['environments'];
const LONGEST_DAYS = 366;
const MOST_ENVIRONMENTS = 5_000;
const MOST_BOOKINGS = 50_000;
const DAY_MS = 86_400_000;

const windowQuery = z.strictObject({
  from: instantInput,
  to: instantInput.openapi({ description: `Not included; at most ${LONGEST_DAYS} days after from.` }),
  environment_id: z.array(idOf('environment')).max(MOST_ENVIRONMENTS).optional().openapi({ description: 'Only these; may be repeated. All of them when left out.' }),
});

const environmentFields = { id: z.string(), name: z.string(), resource_type: z.string(), active: z.boolean() };

const calendarBody = z
  .strictObject({
    from: instant,
    to: instant,
    environments: z.array(z.strictObject(environmentFields)),
    bookings: z.array(
      z.strictObject({
        id: z.string(),
        environment_id: z.string(),
        state: z.enum(BOOKING_STATES),
        since: instant,
        until: instant.nullable(),
        holder: holderBody,
      }),
    ),
  })
  .openapi('EnvironmentCalendar');

const availabilityBody = z
  .strictObject({
    from: instant,
    to: instant,
    environments: z.array(
      z.strictObject({
        ...environmentFields,
        free: z.array(z.strictObject({ from: instant, to: instant })).openapi({ description: 'Half-open, within the window. Empty for one out of service.' }),
        free_seconds: z.number(),
        booked_seconds: z.number(),
      }),
    ),
  })
  .openapi('EnvironmentAvailability');

function windowOf({ from, to }: Window): Window {
  if (to <= from) throw invalidField('environments.empty-window', 'to', 'must be later than from');
  if (Date.parse(to) - Date.parse(from) > LONGEST_DAYS * DAY_MS) {
    throw invalidField('environments.window-too-long', 'to', `must be at most ${LONGEST_DAYS} days after from; ask for less at a time`);
  }
  return { from, to };
}

function environmentView({ id, name, resourceType, isActive }: CalendarEnvironment) {
  return { id, name, resource_type: resourceType, active: isActive };
}

/** Ask for one more than there may be. */
function refuseTooMany(found: readonly unknown[], most: number, what: string): void {
  if (found.length <= most) return;
  throw new DomainError({
    kind: 'limit-exceeded',
    code: 'environments.calendar-too-large',
    message: `This window holds more than ${most} ${what}. Ask for a shorter one, or name environments.`,
    details: { most },
  });
}

const common = {
  method: 'get',
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: windowQuery,
} as const;

const calendar = defineOperation({
  ...common,
  tags,
  path: '/v1/organizations/{organization_id}/environment-calendar',
  id: 'getEnvironmentCalendar',
  summary: 'Every booking of the environments that shares time with a window, by its beginning',
  description: 'Released bookings are shown with the time they took; cancelled ones took none.',
  responses: { 200: calendarBody },
  async handle({ deps, organizationId }, { query }) {
    const window = windowOf(query);
    const ids = query.environment_id ?? null;
    const [environments, bookings] = await Promise.all([
      calendarEnvironments(deps.db, organizationId, ids, MOST_ENVIRONMENTS + 1),
      calendarBookings(deps.db, organizationId, ids, window, MOST_BOOKINGS + 1),
    ]);
    refuseTooMany(environments, MOST_ENVIRONMENTS, 'environments');
    refuseTooMany(bookings, MOST_BOOKINGS, 'bookings');
    return {
      status: 200,
      body: {
        ...window,
        environments: environments.map(environmentView),
        bookings: bookings.map(({ id, environment_id, state, since, until, holder_user_id, display_name }) => ({
          id,
          environment_id,
          state,
          since,
          until,
          holder: { id: holder_user_id, display_name },
        })),
      },
    };
  },
});

const availability = defineOperation({
  ...common,
  tags,
  path: '/v1/organizations/{organization_id}/environment-availability',
  id: 'getEnvironmentAvailability',
  summary: 'When each environment is free within a window',
  responses: { 200: availabilityBody },
  async handle({ deps, organizationId }, { query }) {
    const window = windowOf(query);
    const ids = query.environment_id ?? null;
    const [environments, taken] = await Promise.all([
      calendarEnvironments(deps.db, organizationId, ids, MOST_ENVIRONMENTS + 1),
      takenPeriods(deps.db, organizationId, ids, window),
    ]);
    refuseTooMany(environments, MOST_ENVIRONMENTS, 'environments');
    return {
      status: 200,
      body: {
        ...window,
        environments: environments.map((environment) => {
          const { free, freeSeconds, bookedSeconds } = freePeriods(taken.get(environment.id) ?? [], window);
          const shown = environment.isActive ? { free, free_seconds: freeSeconds } : { free: [], free_seconds: 0 };
          return { ...environmentView(environment), ...shown, booked_seconds: bookedSeconds };
        }),
      },
    };
  },
});

export const calendarRoutes = [calendar, availability];
