import type { CalendarDate } from '../shared/time.ts';
import { describeAmounts } from '../quotas/amounts.ts';
import type { Application, ApplicationState } from './application.ts';

/** What a mail about an application says beside the application itself. */
export interface ApplicationNames {
  projectName: string;
  projectCode: string;
  applicantName: string;
  /** Of the project: its dates are days there. */
  timeZone: string;
}

/** A mail about an application's step. */
export interface ApplicationLetter {
  /** Makes the Message-ID, with the application's id: the same news is one mail. */
  key: string;
  to: 'managers' | 'everybody-who-can-decide' | 'delegate' | 'applicant';
  subject: string;
  text: string;
}

/**
 * Who is told what of a step, from the application before (null for a new one) and after it. One that
 * was escalated and ended while nobody was there to carry it out tells only of the end.
 */
export function lettersOf(before: Application | null, after: Application, names: ApplicationNames): ApplicationLetter[] {
  const { projectName, projectCode, applicantName, timeZone } = names;
  const subject = `${WHAT[after.type]} ${projectName}`;
  const asked = [`Project: ${projectName} (${projectCode})`, ...wordsOf(after), `Applicant: ${applicantName}`, `Reason: ${after.reason === '' ? 'none given' : after.reason}`].join('\n');
  const letter = (key: string, to: ApplicationLetter['to'], title: string, sentence: string): ApplicationLetter => ({ key: `${after.id}/${key}`, to, subject: title, text: `${sentence}\n\n${asked}\n\nApplication ${after.id}` });
  if (before === null) {
    return [letter('new', 'managers', `Please review: ${subject}`, `${applicantName} has applied. Approve or decline it; undecided, it ends at ${inWords(after.expiresAt)}.`)];
  }
  if (before.state === 'reviewing' && after.state !== 'reviewing') {
    const ending = ENDINGS[after.state];
    if (ending === null) return [];
    const remark = after.remark === null ? '' : `\n\nRemark: ${after.remark}`;
    return [letter(after.state, 'applicant', `${ending.title}: ${subject}`, `${ending.sentence}${remark}`)];
  }
  if (after.state !== 'reviewing') return [];
  const letters: ApplicationLetter[] = [];
  if (before.escalatedAt === null && after.escalatedAt !== null) {
    letters.push(letter('escalated', 'everybody-who-can-decide', `Still waiting: ${subject}`, `Nobody has decided since ${inWords(after.createdAt)}. Undecided, it ends at ${inWords(after.expiresAt)}.`));
  }
  if (before.delegateUserId !== after.delegateUserId) {
    letters.push(letter(`delegated/${after.version}`, 'delegate', `For you to review: ${subject}`, `This application was handed to you. Undecided, it ends at ${inWords(after.expiresAt)}.`));
  }
  if (after.noRoom !== null && before.noRoom?.firstFitDate !== after.noRoom.firstFitDate) {
    const { firstFitDate } = after.noRoom;
    const remedy = firstFitDate === null ? 'No later start fits either.' : `The first date from which it fits is ${firstFitDate} (${timeZone}).`;
    letters.push(letter(`no-room/${firstFitDate ?? 'never'}`, 'applicant', `No room yet: ${subject}`, `A manager wanted to approve your application, but not enough is free for it. ${remedy} It stays under review; for other dates or amounts, revoke it and apply anew.`));
  }
  return letters;
}

const WHAT: Record<Application['type'], string> = {
  project: 'project',
  'period-extension': 'extension of',
  'gpu-quota': 'more GPUs for',
};

const ENDINGS: Record<ApplicationState, { title: string; sentence: string } | null> = {
  reviewing: null,
  approved: { title: 'Approved', sentence: 'Your application was approved.' },
  declined: { title: 'Declined', sentence: 'Your application was declined.' },
  // The applicant did it.
  revoked: null,
  expired: { title: 'Expired', sentence: 'Your application ended without a decision. Apply anew if you still need it.' },
};

function wordsOf(application: Application): string[] {
  const { startDate, endDate, extensionDays, nextStartDate, nextEndDate, additionalGpus, oldGpus, newGpus, quota } = application;
  const lines = [`Period: ${period(startDate, endDate)}`];
  if (quota !== null) lines.push(`Quota: ${describeAmounts(quota)}`);
  if (nextStartDate !== null && nextEndDate !== null) lines.push(`Extension: ${extensionDays ?? 0} days, ${period(nextStartDate, nextEndDate)}`);
  if (additionalGpus !== null) lines.push(`GPUs: ${additionalGpus} more, from ${oldGpus ?? '0'} to ${newGpus ?? additionalGpus}`);
  return lines;
}

function period(first: CalendarDate, last: CalendarDate): string {
  return `${first} to ${last}, both included`;
}

/** An instant as people read it, in UTC: mails go to people in many zones. */
function inWords(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
