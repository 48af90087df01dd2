import test from 'ava';
import type { Actor } from '../shared/entity.ts';
import { lettersOf } from './application-news.ts';
import { actionsOf, maySee, raisedGpus, requireProjectManager, type ApplicationAction, type Reviewer } from './application-rules.ts';
import { approve, decline, delegate, newApplication, noteNoRoom, revoke, settleApplication, type Application, type Decider } from './application.ts';

const at = (day: number, hour = 0): string => `2026-12-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00.000Z`;
const manager: Decider = { by: { kind: 'person', id: 'usr_manager', name: 'Mona' }, as: 'manager' };
const applicant: Actor = { kind: 'person', id: 'usr_applicant', name: 'Ada' };

const extension: Application = newApplication(
  {
    id: 'app_1', organizationId: 'org_1', type: 'period-extension', projectId: 'prj_1', applicantUserId: 'usr_applicant', reason: 'not done',
    startDate: '2026-11-01', endDate: '2026-12-23', extensionDays: 7, nextStartDate: '2026-12-24', nextEndDate: '2026-12-30', escalatesAt: at(4), expiresAt: at(31),
  },
  at(1),
);

test('a review waits for its escalation, then for its end', (t) => {
  t.is(extension.nextDueAt, at(4));
  t.deepEqual(settleApplication(extension, '2026-12-03T23:59:59.999Z').transitions, []);
  const escalated = settleApplication(extension, at(4));
  t.like(escalated.entity, { state: 'reviewing', escalatedAt: at(4), nextDueAt: at(31) });
  t.deepEqual(settleApplication(escalated.entity, at(4)).transitions, []);
  t.like(settleApplication(escalated.entity, at(31)).entity, { state: 'expired', decidedAt: at(31), nextDueAt: null });
});

test('after an outage over both instants it was escalated and has expired, each at its own instant', (t) => {
  const { entity, transitions } = settleApplication(extension, '2027-03-01T00:00:00.000Z');
  t.deepEqual(transitions.map(({ action, dueAt }) => [action, dueAt]), [['applications.escalate', at(4)], ['applications.expire', at(31)]]);
  t.like(entity, { state: 'expired', decidedBy: { kind: 'system' } });
});

const decisions: [string, (application: Application) => Application][] = [
  ['approved', (one) => approve(one, { ...manager, remark: '', granted: {} }, at(2)).entity],
  ['declined', (one) => decline(one, { ...manager, remark: 'no room' }, at(2)).entity],
  ['revoked', (one) => revoke(one, applicant, at(2)).entity],
  ['expired', (one) => settleApplication(one, at(31)).entity],
];

for (const [state, decided] of decisions) {
  test(`an application that was ${state} is decided once and for all`, (t) => {
    const after = decided(extension);
    t.like(after, { state, nextDueAt: null });
    for (const [, again] of decisions.slice(0, 3)) {
      t.like(t.throws(() => again(after)), { code: 'applications.decided', details: { state } });
    }
    t.throws(() => delegate(after, 'usr_other'), { message: /It is decided once/ });
    t.deepEqual(settleApplication(after, at(31)).transitions, []);
  });
}

test('who declines says why; who approves need not', (t) => {
  t.like(t.throws(() => decline(extension, { ...manager, remark: '' }, at(2))), { code: 'applications.remark-missing', fields: [{ field: 'remark' }] });
  t.is(approve(extension, { ...manager, remark: '', granted: {} }, at(2)).entity.remark, null);
});

test('delegating moves no deadline, and to the same person changes nothing', (t) => {
  const { entity } = delegate(extension, 'usr_other');
  t.like(entity, { delegateUserId: 'usr_other', nextDueAt: extension.nextDueAt });
  t.deepEqual(delegate(entity, 'usr_other').transitions, []);
});

const people: [string, Reviewer, boolean, boolean, ApplicationAction[]][] = [
  ['its applicant', { userId: 'usr_applicant', role: 'member', as: 'manager' }, false, true, ['revoke']],
  ['an applicant who manages the organization', { userId: 'usr_applicant', role: 'manager', as: 'manager' }, false, true, ['revoke', 'approve', 'decline', 'delegate']],
  ['a manager of the organization', { userId: 'usr_manager', role: 'manager', as: 'manager' }, false, true, ['approve', 'decline', 'delegate']],
  ['a manager of the project', { userId: 'usr_other', role: 'engineer', as: 'manager' }, true, true, []],
  ['anybody else', { userId: 'usr_other', role: 'engineer', as: 'manager' }, false, false, []],
];

for (const [who, by, managesProject, sees, actions] of people) {
  test(`what ${who} sees and can do`, (t) => {
    t.is(maySee(extension, by, managesProject), sees);
    t.deepEqual(actionsOf(extension, by), actions);
    t.deepEqual(actionsOf({ ...extension, state: 'approved' }, by), []);
  });
}

test('managers of a project apply for more; members are refused, and to others there is no such project', (t) => {
  const engineer: Reviewer = { userId: 'usr_other', role: 'engineer', as: 'manager' };
  t.notThrows(() => requireProjectManager('prj_1', 'gpu-quota', 'manager', engineer));
  t.like(t.throws(() => requireProjectManager('prj_1', 'gpu-quota', 'member', engineer)), { code: 'applications.project-managers-apply' });
  t.like(t.throws(() => requireProjectManager('prj_1', 'gpu-quota', null, engineer)), { code: 'project.not-found' });
  t.like(t.throws(() => requireProjectManager('prj_1', 'gpu-quota', null, { ...engineer, role: 'manager' })), { code: 'applications.project-managers-apply' });
});

const gpus: [string, string, { oldGpus: string; newGpus: string } | string][] = [
  ['3', '0.625', { oldGpus: '3', newGpus: '3.625' }],
  ['0.1', '0.2', { oldGpus: '0.1', newGpus: '0.3' }],
  ['1', '2.50', { oldGpus: '1', newGpus: '3.5' }],
  ['1', '0', 'quotas.zero'],
  ['1', '0.000', 'quotas.zero'],
  ['1', '-1', 'quotas.negative-amount'],
  ['1', '1e3', 'quotas.not-a-decimal'],
  ['1', '0.0000001', 'quotas.too-many-decimals'],
  ['999999999', '1', 'quotas.too-large'],
];

for (const [total, additional, expected] of gpus) {
  test(`${additional} more than ${total} GPUs`, (t) => {
    if (typeof expected === 'string') t.like(t.throws(() => raisedGpus(total, additional)), { code: expected, fields: [{ field: 'additional_gpus' }] });
    else t.like(raisedGpus(total, additional), expected);
  });
}

const names = { projectName: 'Iris', projectCode: 'iris-1', applicantName: 'Ada', timeZone: 'UTC' };

test('whoever is concerned is told of each step, and nobody of what they did themselves', (t) => {
  const told = (before: Application | null, after: Application) => lettersOf(before, after, names).map(({ key, to }) => [key, to]);
  t.deepEqual(told(null, extension), [['app_1/new', 'managers']]);
  t.deepEqual(told(extension, settleApplication(extension, at(4)).entity), [['app_1/escalated', 'everybody-who-can-decide']]);
  t.deepEqual(told(extension, { ...delegate(extension, 'usr_other').entity, version: 2 }), [['app_1/delegated/2', 'delegate']]);
  t.deepEqual(told(extension, settleApplication(extension, at(31)).entity), [['app_1/expired', 'applicant']], 'an escalation that nobody saw is no news any more');
  for (const [state, decided] of decisions) {
    t.deepEqual(told(extension, decided(extension)), state === 'revoked' ? [] : [[`app_1/${state}`, 'applicant']]);
  }
});

test('an approval that finds no room is told of once for each date, and not after a decision', (t) => {
  const noted = noteNoRoom(extension, '2027-01-14', at(2)).entity;
  t.deepEqual(noted.noRoom, { at: at(2), firstFitDate: '2027-01-14' });
  t.deepEqual(noteNoRoom(noted, '2027-01-14', at(3)).transitions, []);
  const later = noteNoRoom(noted, null, at(3)).entity;
  t.deepEqual([lettersOf(extension, noted, names), lettersOf(noted, later, names)].map(([letter]) => letter?.key), ['app_1/no-room/2027-01-14', 'app_1/no-room/never']);
  const declined = decline(noted, { ...manager, remark: 'no' }, at(4)).entity;
  t.deepEqual(noteNoRoom(declined, '2027-02-01', at(5)).transitions, []);
  t.is(approve(noted, { ...manager, remark: '', granted: {} }, at(4)).entity.noRoom, null, 'there was room after all');
});

test('the mail of a decision holds its remark, and what was asked for', (t) => {
  const [letter] = lettersOf(extension, decline(extension, { ...manager, remark: 'The cluster moves.' }, at(2)).entity, names);
  t.is(letter?.subject, 'Declined: extension of Iris');
  t.regex(letter?.text ?? '', /Remark: The cluster moves\./);
  t.regex(letter?.text ?? '', /Extension: 7 days, 2026-12-24 to 2026-12-30, both included/);
});
