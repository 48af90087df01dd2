import { Big } from 'big.js';
import type { OrganizationRole } from '../organizations/role.ts';
import { describeAmounts, kindsAbove, MOST_DIGITS, plainAmount, problemOfAmount, type CapacityAmounts, type QuotaAmounts } from '../quotas/amounts.ts';
import { DomainError, invalidField, notFound } from '../shared/errors.ts';
import type { Application, ApplicationType, DeciderRole } from './application.ts';
import type { PurposeFields } from './purpose.ts';

/** Whoever asks, as the organization knows them. Platform administrators come as managers. */
export interface Reviewer {
  userId: string;
  role: OrganizationRole;
  /** As what they decide. */
  as: Exclude<DeciderRole, 'applicant'>;
}

/** What people can do with an application. */
export const APPLICATION_ACTIONS = ['revoke', 'approve', 'decline', 'delegate'] as const;
export type ApplicationAction = (typeof APPLICATION_ACTIONS)[number];

/** Who sees an application: its applicant, managers of its project, managers of the organization. To others it does not exist. */
export function maySee(application: Pick<Application, 'applicantUserId'>, by: Reviewer, managesProject: boolean): boolean {
  return by.role === 'manager' || managesProject || application.applicantUserId === by.userId;
}

/** What this person can do with it now. */
export function actionsOf(application: Pick<Application, 'state' | 'applicantUserId'>, by: Reviewer): ApplicationAction[] {
  if (application.state !== 'reviewing') return [];
  return APPLICATION_ACTIONS.filter((action) => (action === 'revoke' ? application.applicantUserId === by.userId : by.role === 'manager'));
}

/** Refuses to let anybody but the applicant take an application back. */
export function requireApplicant(application: Pick<Application, 'applicantUserId'>, by: Reviewer): void {
  if (application.applicantUserId === by.userId) return;
  throw notAllowed('applications.not-yours', 'Only the applicant revokes an application. A manager of the organization declines it.');
}

/** Refuses to let anybody but managers of the organization decide, or hand a review on. */
export function requireDecider(by: Reviewer): void {
  if (by.role === 'manager') return;
  throw notAllowed('applications.managers-decide', 'Only managers of the organization decide on applications.');
}

/** Refuses an application for more days or GPUs by somebody who does not manage the project. To those who are no members it does not exist. */
export function requireProjectManager(projectId: string, type: ApplicationType, standing: 'manager' | 'member' | null, by: Reviewer): void {
  if (standing === 'manager') return;
  if (standing === null && by.role !== 'manager') throw notFound('project', projectId);
  const what = type === 'gpu-quota' ? 'more GPUs' : 'more days';
  throw notAllowed('applications.project-managers-apply', `Only managers of a project apply for ${what}. Ask one of them, or let yourself be made one.`);
}

/** What an application of each type calls the fields that limits are about. */
export const FIELDS_OF: Record<ApplicationType, PurposeFields> = {
  project: { gpu: 'quota.gpu', cpu: 'quota.cpu', ram_gib: 'quota.ram_gib', days: 'end_date' },
  'period-extension': { gpu: 'days', cpu: 'days', ram_gib: 'days', days: 'days' },
  'gpu-quota': { gpu: 'additional_gpus', cpu: 'additional_gpus', ram_gib: 'additional_gpus', days: 'additional_gpus' },
};

/** Refuses what is more than the organization has at all: no waiting would help. `quotas.above-capacity`. */
export function requireWithinCapacity(quota: QuotaAmounts, capacity: CapacityAmounts, type: ApplicationType): void {
  const kinds = kindsAbove(quota, capacity);
  if (kinds.length === 0) return;
  const fields = kinds.map((kind) => ({
    field: FIELDS_OF[type][kind],
    problem: `comes to ${quota[kind] ?? 'no limit'} in all, and the organization has ${capacity[kind] ?? ''}; ask for less, or ask a manager to raise its capacity`,
  }));
  throw new DomainError({
    kind: 'limit-exceeded',
    code: 'quotas.above-capacity',
    message: `${fields.map(({ field, problem }) => `${field} ${problem}`).join('; ')}. There is: ${describeAmounts(capacity)}.`,
    fields,
    details: { asked: quota, capacity, kinds },
  });
}

/** Totals of a project's GPUs before and after an application for more. Refuses what is not a positive exact amount. */
export function raisedGpus(total: string, additional: string): { additionalGpus: string; oldGpus: string; newGpus: string } {
  const wrong = problemOfAmount(additional);
  if (wrong !== null) throw invalidField(wrong.code, 'additional_gpus', wrong.problem);
  if (new Big(additional).lte(0)) throw invalidField('quotas.zero', 'additional_gpus', 'is zero; ask for more than none');
  const raised = new Big(total).plus(additional);
  if (raised.gte(new Big(10).pow(MOST_DIGITS))) throw invalidField('quotas.too-large', 'additional_gpus', `brings the total to ${raised.toFixed()}; ask for less`);
  return { additionalGpus: plainAmount(additional), oldGpus: plainAmount(total), newGpus: raised.toFixed() };
}

function notAllowed(code: string, message: string): DomainError {
  return new DomainError({ kind: 'not-allowed', code, message });
}
