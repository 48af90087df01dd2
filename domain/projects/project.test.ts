import test from 'ava';
import { system } from '../shared/entity.ts';
import type { Instant } from '../shared/time.ts';
import { approve, decline, edit, extend, notePending, recordRelease, refuseUnusable, remove, restore, withMoreGpu, withoutPerson } from './project-decisions.ts';
import { daysLeftOf, nextEventOf } from './project-dates.ts';
import { letterOf, type ProjectNews } from './project-news.ts';
import { settleProject } from './project-time.ts';
import { newProject, type NewProject, type Project } from './project.ts';
import { rehearse } from './rehearsal.ts';

const FREE = { fits: true, heldBy: [] };

function reviewing(fields: Partial<NewProject> = {}, at = '2026-01-01T00:00:00.000Z'): Project {
  return newProject(
    {
      id: 'prj_1', organizationId: 'org_1', code: 'P-1', name: 'Vision', description: '', purposeId: null, timeZone: 'Asia/Taipei', startDate: '2026-02-01', endDate: '2026-03-31',
      quota: { gpu: '1', cpu: null, ram_gib: null }, managers: ['usr_m'], members: ['usr_a'], createdBy: system('test'), applicationId: null, ...fields,
    },
    at,
  );
}

/** As a command does: what is due, the decision, what that made due; then the row is written. */
function decided(project: Project, at: Instant, change: (project: Project) => { entity: Project } = (one) => ({ entity: one })): Project {
  const after = settleProject(change(settleProject({ ...project, news: [] }, at).entity).entity, at).entity;
  return { ...after, lastAt: at };
}

function approved(fields: Partial<NewProject> = {}, at = '2026-01-01T00:00:00.000Z'): Project {
  return { ...decided(reviewing(fields, at), at, (one) => approve(one, FREE, at)), room: FREE };
}

/** Moves it from deadline to deadline, as its workflow does; answers with what happened at which instant. */
function live(project: Project, to: Instant): { project: Project; steps: string[]; mails: string[] } {
  const [steps, mails]: [string[], string[]] = [[], []];
  let known = project;
  while (known.nextDueAt !== null && known.nextDueAt <= to && known.state !== 'releasing') {
    const at = known.nextDueAt;
    const settled = settleProject({ ...known, news: [] }, at);
    steps.push(...settled.transitions.map(({ action }) => `${at} ${action.replace('projects.', '')}`));
    mails.push(...settled.entity.news.map((news) => `${at} ${news.kind}${'days' in news ? ` ${news.days}` : ''}`));
    known = { ...settled.entity, lastAt: at, news: [] };
  }
  return { project: known, steps, mails };
}

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing';
};

test('inclusive local dates are stored as half-open instants of the zone', (t) => {
  const { startsAt, endsAt } = reviewing();
  t.is(startsAt, '2026-01-31T16:00:00.000Z');
  t.is(endsAt, '2026-03-31T16:00:00.000Z', 'the start of April in Taipei');
  t.is(reviewing({ startDate: '2026-02-01', endDate: '2026-02-01' }).endsAt, '2026-02-01T16:00:00.000Z', 'one day is a period');
});

test('a project is warned of its end, expires at it, and is released fourteen local days later', (t) => {
  const { steps, mails, project } = live(approved(), '2027-01-01T00:00:00.000Z');
  t.deepEqual(steps, [
    '2026-01-31T16:00:00.000Z start',
    '2026-03-17T16:00:00.000Z warn',
    '2026-03-24T16:00:00.000Z warn',
    '2026-03-30T16:00:00.000Z warn',
    '2026-03-31T16:00:00.000Z expire',
    '2026-04-07T16:00:00.000Z announce-release',
    '2026-04-11T16:00:00.000Z announce-release',
    '2026-04-13T16:00:00.000Z announce-release',
    '2026-04-14T16:00:00.000Z release',
  ]);
  t.deepEqual(mails.map((mail) => mail.slice(25)), ['warning 14', 'warning 7', 'warning 1', 'buffer', 'release-in 7', 'release-in 3', 'release-in 1']);
  t.is(project.state, 'releasing');
  t.deepEqual(project.releaseSteps.map(({ owner, state }) => `${owner} ${state}`), ['bookings pending', 'quotas pending']);
});

const CLOCK_CHANGES: { title: string; fields: Partial<NewProject>; endsAt: Instant; bufferEndsAt: Instant }[] = [
  { title: 'ends on the short day', fields: { timeZone: 'Europe/Berlin', endDate: '2026-03-29' }, endsAt: '2026-03-29T22:00:00.000Z', bufferEndsAt: '2026-04-12T22:00:00.000Z' },
  { title: 'has a buffer across the short day', fields: { timeZone: 'Europe/Berlin', endDate: '2026-03-20' }, endsAt: '2026-03-20T23:00:00.000Z', bufferEndsAt: '2026-04-03T22:00:00.000Z' },
  { title: 'has a buffer across the long day', fields: { timeZone: 'Europe/Berlin', endDate: '2026-10-20' }, endsAt: '2026-10-20T22:00:00.000Z', bufferEndsAt: '2026-11-03T23:00:00.000Z' },
  { title: 'ends where the next day begins at one', fields: { timeZone: 'Africa/Cairo', endDate: '2026-04-23' }, endsAt: '2026-04-23T22:00:00.000Z', bufferEndsAt: '2026-05-07T21:00:00.000Z' },
];
for (const { title, fields, endsAt, bufferEndsAt } of CLOCK_CHANGES) {
  test(`a project that ${title} lasts whole local days`, (t) => {
    const project = approved({ startDate: '2026-02-01', ...fields });
    t.is(project.endsAt, endsAt);
    const { project: buffered } = live(project, endsAt);
    t.is(buffered.state, 'buffer');
    t.is(buffered.bufferEndsAt, bufferEndsAt);
  });
}

test('a buffer entered late is a full one, and is never over in the command that entered it', (t) => {
  const active = live(approved(), '2026-02-15T00:00:00.000Z').project;
  const late = decided(active, '2026-09-10T10:00:00.000Z');
  t.is(late.state, 'buffer');
  t.is(late.bufferEnteredAt, '2026-09-10T10:00:00.000Z');
  t.is(late.bufferEndsAt, '2026-09-23T16:00:00.000Z', 'fourteen local days from the local day on which it was entered');
  t.true((late.nextDueAt as string) > '2026-09-10T10:00:00.000Z');
});

test('after an outage only the newest missed warning is sent; none once the end has come', (t) => {
  const active = live(approved(), '2026-02-15T00:00:00.000Z').project;
  const settled = settleProject(active, '2026-03-25T09:00:00.000Z');
  t.deepEqual(settled.transitions.map(({ action, dueAt }) => `${action} ${dueAt}`), ['projects.warn-superseded 2026-03-17T16:00:00.000Z', 'projects.warn 2026-03-24T16:00:00.000Z']);
  t.deepEqual(settled.entity.news.map(({ kind }) => kind), ['warning']);
  const late = settleProject(active, '2026-03-27T09:00:00.000Z').entity;
  const mail = letterOf(late, late.news[0] as ProjectNews);
  t.is(mail.subject, `Vision (${late.code}) ends in 5 days`, 'the days that are left, not those at which it was due');
  t.regex(mail.key, /warning\/2026-03-31\/7$/);
  const buffered = live(active, '2026-03-31T16:00:00.000Z').project;
  const announced = settleProject({ ...buffered, news: [] }, '2026-04-10T09:00:00.000Z').entity;
  t.regex(letterOf(announced, announced.news[0] as ProjectNews).subject, /released in 5 days$/);
  const after = settleProject(active, '2026-04-02T09:00:00.000Z');
  t.deepEqual(after.transitions.map(({ action }) => action), ['projects.warn-superseded', 'projects.warn-superseded', 'projects.warn-superseded', 'projects.expire']);
  t.deepEqual(after.entity.news.map(({ kind }) => kind), ['buffer']);
});

test('what was due before the start or the approval is not sent', (t) => {
  const short = live(approved({ startDate: '2026-02-01', endDate: '2026-02-05' }), '2026-02-05T16:00:00.000Z');
  t.deepEqual(short.mails.map((mail) => mail.slice(25)), ['warning 1', 'buffer']);
  const week = live(approved({ startDate: '2026-02-01', endDate: '2026-02-07' }), '2026-02-08T16:00:00.000Z');
  t.deepEqual(week.mails.map((mail) => mail.slice(25)), ['warning 7', 'warning 1', 'buffer'], 'on the first day is not before it');
  const late = approved({}, '2026-03-28T00:00:00.000Z');
  t.is(late.state, 'active');
  t.deepEqual(live(late, '2026-03-31T16:00:00.000Z').mails.map((mail) => mail.slice(25)), ['warning 1', 'buffer']);
});

test('settling twice changes nothing', (t) => {
  for (const at of ['2026-02-10T00:00:00.000Z', '2026-03-25T00:00:00.000Z', '2026-04-05T00:00:00.000Z', '2026-05-05T00:00:00.000Z']) {
    const once = settleProject(approved(), at).entity;
    t.deepEqual(settleProject(once, at).transitions, [], at);
  }
});

test('an extension counts from the old end and moves it by calendar days', (t) => {
  const active = live(approved(), '2026-02-15T00:00:00.000Z').project;
  const extended = decided(active, '2026-03-20T00:00:00.000Z', (one) => extend(one, { days: 7, applicationId: 'app_1' }, '2026-03-20T00:00:00.000Z'));
  t.is(extended.endDate, '2026-04-07');
  t.deepEqual(extended.periods.at(-1), { startDate: '2026-04-01', endDate: '2026-04-07', applicationId: 'app_1' });
  // 14 days before the new end was before the decision: it is not made up.
  t.deepEqual(live(extended, '2026-04-07T16:00:00.000Z').mails.map((mail) => mail.slice(25)), ['warning 14', 'warning 7', 'warning 1', 'buffer']);
  const later = decided(active, '2026-03-28T00:00:00.000Z', (one) => extend(one, { days: 7, applicationId: 'app_1' }, '2026-03-28T00:00:00.000Z'));
  t.deepEqual(live(later, '2026-04-07T16:00:00.000Z').mails.map((mail) => mail.slice(25)), ['warning 7', 'warning 1', 'buffer']);
});

test('in the buffer an extension restores at once, on its last millisecond too, and each expiry starts a full buffer', (t) => {
  const buffered = live(approved(), '2026-03-31T16:00:00.000Z').project;
  const last = '2026-04-14T15:59:59.999Z';
  const back = decided(buffered, last, (one) => extend(one, { days: 30, applicationId: null }, last));
  t.is(back.state, 'active');
  t.is(back.bufferEndsAt, null);
  const again = live(back, '2026-04-30T16:00:00.000Z').project;
  t.is(again.state, 'buffer');
  t.is(again.bufferNumber, 2);
  t.is(again.bufferEndsAt, '2026-05-14T16:00:00.000Z');
  t.is(code(() => decided(buffered, '2026-04-14T16:00:00.000Z', (one) => extend(one, { days: 30, applicationId: null }, '2026-04-14T16:00:00.000Z'))), 'projects.not-extendable');
});

test('an extension that ends before now is refused with the days it needs', (t) => {
  const buffered = live(approved(), '2026-03-31T16:00:00.000Z').project;
  const at = '2026-04-10T02:00:00.000Z';
  const error = t.throws(() => extend(buffered, { days: 9, applicationId: null }, at));
  t.like(error, { code: 'projects.extension-too-short', details: { minimum_days: 10 } });
  t.is(extend(buffered, { days: 10, applicationId: null }, at).entity.endsAt, '2026-04-10T16:00:00.000Z');
  for (const days of [0, -1, 1.5, 100_000, Number.NaN]) t.regex(code(() => extend(buffered, { days, applicationId: null }, at)), /^projects\.(extension-too-short|bad-days)$/);
});

test('an extension leaves no buffer that the same command entered: the expiry is written first, and told of', (t) => {
  const active = live(approved(), '2026-02-15T00:00:00.000Z').project;
  const at = '2026-04-01T00:00:00.000Z';
  const longer = (one: Project) => extend(one, { days: 10, applicationId: null }, at);
  t.like(t.throws(() => decided(active, at, longer)), { code: 'projects.just-expired', kind: 'conflict', details: { state: 'buffer' } });
  const expired = decided(active, at);
  t.deepEqual(expired.news.map(({ kind }) => kind), ['buffer']);
  const after = decided(expired, at, longer);
  t.is(after.state, 'active');
  t.is(after.bufferNumber, 1, 'what the expiry did stays done');
  t.deepEqual(after.news, []);
});

test('a release that was to be announced by the extension itself is no news any more', (t) => {
  const at = '2026-04-07T17:00:00.000Z';
  const buffered = live(approved(), '2026-04-02T00:00:00.000Z').project;
  t.deepEqual(decided(buffered, at).news.map(({ kind }) => kind), ['release-in']);
  t.deepEqual(decided(buffered, at, (one) => extend(one, { days: 30, applicationId: null }, at)).news, []);
});

test('a pending extension holds the release for seven local days and tells the managers of the organization', (t) => {
  const buffered = live(approved(), '2026-03-31T16:00:00.000Z').project;
  const pending = decided(buffered, '2026-04-13T00:00:00.000Z', (one) => notePending(one, { applicationId: 'app_1', expiresAt: '2026-05-13T00:00:00.000Z' }, '2026-04-13T00:00:00.000Z'));
  const held = live(pending, '2026-04-14T16:00:00.000Z');
  t.deepEqual(held.steps.slice(-2), ['2026-04-14T16:00:00.000Z hold-release', '2026-04-14T16:00:00.000Z announce-release']);
  t.is(held.project.releaseHeldUntil, '2026-04-21T16:00:00.000Z');
  const undecided = live(held.project, '2026-05-01T00:00:00.000Z');
  t.is(undecided.steps.at(-1), '2026-04-21T16:00:00.000Z release');
  t.deepEqual(undecided.mails, ['2026-04-18T16:00:00.000Z release-in 3', '2026-04-20T16:00:00.000Z release-in 1'], 'a release that is held is announced anew');
  const keys = live(buffered, '2026-04-13T16:00:00.000Z').project;
  t.not(letterOf(keys, { kind: 'release-in', days: 1, left: 1, number: 1, reason: 'expired', endsAt: '2026-04-14T16:00:00.000Z' }).key, letterOf(keys, { kind: 'release-in', days: 1, left: 1, number: 1, reason: 'expired', endsAt: '2026-04-21T16:00:00.000Z' }).key, 'a mail of its own');
  const decidedAt = '2026-04-16T00:00:00.000Z';
  t.is(decided(held.project, decidedAt, (one) => notePending(one, null, decidedAt)).state, 'releasing', 'what held it is declined');
  t.is(decided(held.project, decidedAt, (one) => extend(one, { days: 60, applicationId: 'app_1' }, decidedAt)).state, 'active');
  t.is(decided(pending, '2026-04-22T00:00:00.000Z').state, 'releasing', 'seven days at most, though nobody was there to hold it');
});

test('a review that ends undecided ends its hold: the release is announced for then, and follows though nobody tells the project', (t) => {
  const active = live(approved(), '2026-03-20T00:00:00.000Z').project;
  const expiresAt = '2026-04-19T02:30:00.000Z';
  const pending = decided(active, '2026-03-20T02:30:00.000Z', (one) => notePending(one, { applicationId: 'app_1', expiresAt }, '2026-03-20T02:30:00.000Z'));
  const [from, to] = ['2026-03-20T02:30:00.000Z', '2026-05-01T00:00:00.000Z'];
  const held = live(pending, '2026-04-15T00:00:00.000Z').project;
  t.is(held.releaseHeldUntil, expiresAt);
  t.like(nextEventOf(held), { what: 'release', on: '2026-04-19', at: expiresAt });
  t.deepEqual(['2026-04-18T00:00:00.000Z', '2026-04-19T02:29:59.999Z', expiresAt].map((at) => daysLeftOf(held, at)), [2, 1, 0]);
  const lived = live(pending, to);
  t.deepEqual(lived.steps.slice(-4), ['2026-04-14T16:00:00.000Z hold-release', '2026-04-16T16:00:00.000Z announce-release', '2026-04-18T16:00:00.000Z announce-release', `${expiresAt} release`]);
  t.deepEqual(lived.mails.slice(-2), ['2026-04-16T16:00:00.000Z release-in 3', '2026-04-18T16:00:00.000Z release-in 1']);
  t.deepEqual(rehearse(pending, from, to).map(({ action, at }) => `${at} ${action.replace('projects.', '')}`), lived.steps);
  const { text } = letterOf(held, { kind: 'release-held', number: 1, until: expiresAt });
  t.regex(text, /kept until 2026-04-19 10:30 \(Asia\/Taipei\)\. Approved before, the extension brings the project back at once\. Declined or revoked, it lets everything be released at once; undecided, everything is released then\./);
  const early = decided(active, from, (one) => notePending(one, { applicationId: 'app_1', expiresAt: '2026-04-14T15:00:00.000Z' }, from));
  t.is(live(early, to).steps.at(-1), '2026-04-14T16:00:00.000Z release', 'a review that ends before the buffer holds nothing');
});

test('a deletion can be taken back; past the end it is a full buffer, after the release has begun it is refused', (t) => {
  const active = live(approved(), '2026-02-15T00:00:00.000Z').project;
  const deletedAt = '2026-03-25T05:00:00.000Z';
  const deleted = decided(active, deletedAt, (one) => remove(one, deletedAt));
  t.like(deleted, { state: 'buffer', bufferReason: 'deleted', bufferEndsAt: '2026-04-14T16:00:00.000Z' });
  const back = decided(deleted, '2026-03-28T00:00:00.000Z', (one) => restore(one, '2026-03-28T00:00:00.000Z'));
  t.like(back, { state: 'active', bufferEndsAt: null, bufferReason: null });
  const pastEnd = '2026-04-10T00:00:00.000Z';
  t.like(decided(deleted, pastEnd, (one) => restore(one, pastEnd)), { state: 'buffer', bufferReason: 'expired', bufferNumber: 2, bufferEndsAt: '2026-04-23T16:00:00.000Z' });
  t.is(code(() => decided(deleted, '2026-04-15T00:00:00.000Z', (one) => restore(one, '2026-04-15T00:00:00.000Z'))), 'projects.release-begun');
  t.is(code(() => extend(deleted, { days: 30, applicationId: null }, pastEnd)), 'projects.deleted');
  t.is(code(() => restore(active, pastEnd)), 'projects.not-deleted');
  const waiting = approved({}, '2026-01-01T00:00:00.000Z');
  const early = decided(waiting, '2026-01-05T00:00:00.000Z', (one) => remove(one, '2026-01-05T00:00:00.000Z'));
  t.is(decided(early, '2026-01-06T00:00:00.000Z', (one) => restore(one, '2026-01-06T00:00:00.000Z')).state, 'scheduled');
});

test('a project whose capacity is held waits, is told of once, and starts when it is free', (t) => {
  const taken = { fits: false, heldBy: ['prj_2'] };
  const start = '2026-01-31T16:00:00.000Z';
  const waits = settleProject({ ...approved(), room: taken }, start);
  t.deepEqual(waits.entity.news.map(({ kind }) => kind), ['waiting']);
  t.like(waits.entity, { state: 'scheduled', waitingSince: start, waitingFor: ['prj_2'], nextDueAt: '2026-02-01T16:00:00.000Z' });
  const again = settleProject({ ...waits.entity, news: [] }, '2026-02-01T16:00:00.000Z');
  t.deepEqual([again.entity.news, again.transitions.map(({ routine }) => routine)], [[], [true]]);
  const starts = settleProject({ ...again.entity, room: FREE }, '2026-02-02T03:00:00.000Z').entity;
  t.like(starts, { state: 'active', startedAt: '2026-02-02T03:00:00.000Z', waitingSince: null, waitingFor: [] });
  t.like(settleProject({ ...again.entity }, '2026-03-31T16:00:00.000Z').entity, { state: 'buffer', bufferReason: 'expired' });
});

test('owners are released beside each other; one that fails is tried again and holds up no other', (t) => {
  const releasing = live(approved(), '2026-04-14T16:00:00.000Z').project;
  const at = '2026-04-14T16:00:05.000Z';
  const of = (owner: 'bookings' | 'quotas', number: number) => ({ owner, bufferNumber: 1, number });
  const error = { code: 'x.y', kind: 'unavailable' as const, message: 'not now' };
  const failed = recordRelease(releasing, of('bookings', 1), { kind: 'failed', error }, at).entity;
  t.like(failed.releaseSteps[0], { state: 'pending', attempts: 1, nextAttemptAt: '2026-04-14T16:01:05.000Z' });
  t.deepEqual(recordRelease(failed, of('bookings', 1), { kind: 'released', released: { count: 0, ids: [] } }, at).transitions, [], 'an attempt that was made up for changes nothing');
  const half = settleProject(recordRelease(failed, of('quotas', 1), { kind: 'released', released: { count: 2, ids: [] } }, at).entity, at).entity;
  t.is(half.state, 'releasing');
  t.is(half.nextDueAt, '2026-04-14T16:01:05.000Z');
  t.deepEqual(recordRelease(half, of('quotas', 1), { kind: 'failed', error }, at).transitions, [], 'an attempt is recorded once');
  let stuck = half;
  for (let number = 2; number <= 9; number += 1) stuck = recordRelease(stuck, of('bookings', number), { kind: 'failed', error }, at).entity;
  t.is(stuck.news.filter(({ kind }) => kind === 'release-stuck').length, 1);
  let waits = half;
  for (let number = 2; number <= 5; number += 1) waits = recordRelease(waits, of('bookings', number), { kind: 'waits', error, askAgainAt: at }, at).entity;
  t.deepEqual(waits.news, half.news, 'waiting is no failure');
  for (let number = 6; number <= 8; number += 1) waits = recordRelease(waits, of('bookings', number), { kind: 'failed', error }, at).entity;
  t.is(waits.news.filter(({ kind }) => kind === 'release-stuck').length, 1, 'told once, though the fourth attempt itself did not fail');
  const done = settleProject(recordRelease(stuck, of('bookings', 10), { kind: 'released', released: { count: 0, ids: [] } }, at).entity, at).entity;
  t.like(done, { state: 'released', releasedAt: at, nextDueAt: null });
});

const USES: { state: string; at: Instant; code: string }[] = [
  { state: 'before its start', at: '2026-01-20T00:00:00.000Z', code: 'projects.not-active' },
  { state: 'active', at: '2026-02-20T00:00:00.000Z', code: 'nothing' },
  { state: 'in its buffer', at: '2026-04-01T00:00:00.000Z', code: 'projects.in-buffer' },
];
for (const { state, at, code: expected } of USES) {
  test(`a project ${state} ${expected === 'nothing' ? 'may be used' : `refuses with ${expected}`}`, (t) => {
    const project = decided(approved(), at);
    t.is(code(() => refuseUnusable(project)), expected);
    if (expected === 'projects.in-buffer') t.like(t.throws(() => refuseUnusable(project)), { details: { buffer_ends_on: '2026-04-15' } });
  });
}

const REFUSED: { what: string; run: (active: Project) => unknown; code: string }[] = [
  { what: 'an end before the start', run: () => reviewing({ startDate: '2026-02-02', endDate: '2026-02-01' }), code: 'projects.end-before-start' },
  { what: 'a date that is none', run: () => reviewing({ endDate: '2026-02-30' }), code: 'projects.no-such-date' },
  { what: 'eleven years', run: () => reviewing({ endDate: '2037-02-01' }), code: 'projects.too-long' },
  { what: 'no manager', run: () => reviewing({ managers: [] }), code: 'projects.no-manager' },
  { what: 'the last manager leaving by an edit', run: (one) => edit(one, { managers: [] }, one.lastAt), code: 'projects.no-manager' },
  { what: 'the last manager leaving', run: (one) => withoutPerson(one, 'usr_m'), code: 'projects.last-manager' },
  { what: 'warnings zero days before', run: (one) => edit(one, { warnDays: [0] }, one.lastAt), code: 'projects.bad-warn-days' },
  { what: 'warnings half a day before', run: (one) => edit(one, { warnDays: [0.5] }, one.lastAt), code: 'projects.bad-warn-days' },
  { what: 'eleven warnings', run: (one) => edit(one, { warnDays: Array.from({ length: 11 }, (_, index) => index + 1) }, one.lastAt), code: 'projects.too-many-warnings' },
  { what: 'a second approval', run: (one) => approve(one, FREE, one.lastAt), code: 'projects.not-reviewing' },
  { what: 'an approval after the end', run: () => approve(reviewing(), FREE, '2026-04-01T00:00:00.000Z'), code: 'projects.ended-before-approval' },
  { what: 'declining what is active', run: (one) => decline(one, 'declined'), code: 'projects.not-reviewing' },
  { what: 'less than no GPU more', run: (one) => withMoreGpu(one, '-1'), code: 'quotas.negative-amount' },
  { what: 'no GPU more', run: (one) => withMoreGpu(one, '0.0'), code: 'quotas.zero' },
];
for (const { what, run, code: expected } of REFUSED) {
  test(`${what} is refused as ${expected}`, (t) => {
    t.is(code(() => run(live(approved(), '2026-02-15T00:00:00.000Z').project)), expected);
  });
}

test('an edit that changes nothing is none; a manager who is also named as member is a manager', (t) => {
  const active = live(approved(), '2026-02-15T00:00:00.000Z').project;
  t.deepEqual(edit(active, { name: 'Vision', members: ['usr_a', 'usr_m', 'usr_a'] }, active.lastAt).transitions, []);
  t.is(edit(active, { name: 'Sound', description: 'x' }, active.lastAt).entity.nextDueAt, active.nextDueAt, 'it moves no deadline');
  t.is(withMoreGpu({ ...active, quota: { gpu: '0.1', cpu: null, ram_gib: null } }, '0.2').gpu, '0.3');
});

test('a rehearsal is what happens', (t) => {
  const from = '2026-03-10T00:00:00.000Z';
  const to = '2026-05-01T00:00:00.000Z';
  const active = live(approved(), from).project;
  const rehearsed = rehearse(active, from, to).map(({ action, at }) => `${at} ${action.replace('projects.', '')}`);
  t.deepEqual(rehearsed, live(active, to).steps);
  t.is(rehearsed.length, 8);
});

test('a rehearsal begins with what is overdue, when nobody was there to do it', (t) => {
  const active = live(approved(), '2026-03-10T00:00:00.000Z').project;
  const from = '2026-04-02T00:00:00.000Z';
  const [first, second] = rehearse(active, from, '2026-05-01T00:00:00.000Z');
  t.like(first, { action: 'projects.expire', at: from });
  t.like(second, { action: 'projects.announce-release', at: '2026-04-08T16:00:00.000Z' });
});
