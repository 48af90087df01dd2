import { DomainError, type ErrorKind } from '../shared/errors.ts';

/** Every way a calendar refuses or fails a call. The error's code is `calendar.<problem>`. */
export const CALENDAR_PROBLEMS = {
  /** The key is wrong, expired, deleted or its account disabled. */
  'bad-credentials': 'invalid-input',
  /** The account may not make changes to the calendar's events. */
  'not-allowed': 'not-allowed',
  /** The Calendar API is switched off in the key's project. */
  'api-disabled': 'conflict',
  /** No such calendar, or it is not shared with the account. */
  'not-shared': 'not-found',
  /** Too many calls for now. */
  throttled: 'unavailable',
  /** The calendar's own limit of use, which passes more slowly. */
  'quota-exceeded': 'unavailable',
  /** Google failed, did not answer in time, or could not be reached. */
  unavailable: 'unavailable',
  /** An event with this id is there, or was. */
  'event-exists': 'conflict',
  /** No event with this id is there. */
  'event-gone': 'not-found',
  /** The position in the list of changes is no longer known: list everything. */
  'sync-token-lost': 'conflict',
  /** Another calendar has become the event's organizer: it alone may change it. */
  'not-organizer': 'conflict',
  /** The request itself is refused as malformed. */
  rejected: 'invariant',
} as const satisfies Record<string, ErrorKind>;
export type CalendarProblem = keyof typeof CALENDAR_PROBLEMS;

/** Problems that only people can solve: until then the calendar is broken. */
const FOR_PEOPLE: readonly CalendarProblem[] = ['bad-credentials', 'not-allowed', 'api-disabled', 'not-shared'];
/** Problems that concern every call to the calendar, and pass by themselves. */
const PASSING: readonly CalendarProblem[] = ['throttled', 'quota-exceeded', 'unavailable'];
/** Problems of the one event that a call is about: others can be written. */
const OF_ONE_EVENT: readonly CalendarProblem[] = ['rejected', 'not-organizer'];

/** Answers to a call about one event that say it is not to be had, whatever the others are. */
const REFUSING_AN_EVENT: readonly CalendarProblem[] = [...OF_ONE_EVENT, 'not-allowed', 'not-shared', 'event-gone'];

const REMEDIES: Record<CalendarProblem, string> = {
  'bad-credentials': 'Google does not accept the key of the service account. Make a new key and reconnect the calendar.',
  'not-allowed': 'The service account may not change events of this calendar. Share the calendar with it, with the right "Make changes to events".',
  'api-disabled': 'The Google Calendar API is switched off in the project of the service account. Enable it there.',
  'not-shared': 'The service account sees no such calendar. Check the calendar id, and share the calendar with the service account, with the right "Make changes to events".',
  throttled: 'Google asks for fewer calls. It is tried again later.',
  'quota-exceeded': 'The usage limit of the calendar is reached. It is tried again later.',
  unavailable: 'The calendar failed or did not answer. It is tried again.',
  'event-exists': 'An event with this id exists or existed.',
  'event-gone': 'There is no such event in the calendar.',
  'sync-token-lost': 'The calendar no longer knows what was listed before.',
  'not-organizer': 'Somebody has made another calendar the organizer of this event. Delete it there; it is then made anew.',
  rejected: 'The calendar refuses the request as malformed. This is a fault of this program or a change of the calendar’s; please report it.',
};

export interface CalendarReply {
  /** The method, as the discovery document names it: `calendar.events.insert`. */
  call: string;
  /** The calendar's own word for it, verbatim. */
  reason: string;
  /** The calendar's sentence, without anything secret. */
  said?: string | undefined;
  httpStatus?: number | undefined;
  retryAfterSeconds?: number | undefined;
}

/** Rebuilds what a calendar said as an error of ours: a stable code, a remedy, and only what is safe to keep. */
export function calendarError(problem: CalendarProblem, { call, reason, said, httpStatus, retryAfterSeconds }: CalendarReply): DomainError {
  return new DomainError({
    kind: CALENDAR_PROBLEMS[problem],
    code: `calendar.${problem}`,
    message: `${REMEDIES[problem]} (${said === undefined || said === '' ? reason : `${reason}: ${said}`})`,
    details: { call, reason, ...(httpStatus !== undefined && { http_status: httpStatus }) },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** The problem that an error stands for, or null when it is none of a calendar's. */
export function calendarProblemOf(error: unknown): CalendarProblem | null {
  if (!(error instanceof DomainError)) return null;
  const [domain, problem = ''] = error.code.split('.');
  return domain === 'calendar' && problem in CALENDAR_PROBLEMS ? (problem as CalendarProblem) : null;
}

/** Whether people have to do something before any call can succeed. */
export function needsPeople(problem: CalendarProblem): boolean {
  return FOR_PEOPLE.includes(problem);
}

/** Whether the whole calendar is to be left alone for a while. */
export function passes(problem: CalendarProblem): boolean {
  return PASSING.includes(problem);
}

/** Whether only the event in question is to be left alone for a while. */
export function concernsOneEvent(problem: CalendarProblem): boolean {
  return OF_ONE_EVENT.includes(problem);
}

/** Whether a calendar that is read all the same will not let this one event go. A key that is not accepted is another matter. */
export function refusesEvent(problem: CalendarProblem): boolean {
  return REFUSING_AN_EVENT.includes(problem);
}
