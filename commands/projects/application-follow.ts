import { standInDeciders } from '../../db/projects/application-people.ts';
import { getListedApplication } from '../../db/projects/application-list.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Application } from '../../domain/projects/application.ts';
import { lettersOf, type ApplicationLetter } from '../../domain/projects/application-news.ts';
import { system } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { notify } from '../notifications/port.ts';
import { publishEvent } from '../webhooks/port.ts';
import { declineProject, noteExtensionPending } from './decide-on-project.ts';

/**
 * What follows from a step of an application, in its transaction: a project that was only applied for
 * goes the way of its application, an extension that comes to nothing holds no release back any more,
 * and whoever is concerned is told. What an approval brings is written by the approval itself.
 */
export async function followApplication(tx: Transaction, before: Application | null, after: Application): Promise<void> {
  if (before?.state === 'reviewing') await letProjectGo(tx, after);
  await tell(tx, before, after);
  if (before === null || before.state !== after.state) await publish(tx, before, after);
}

/** Ids, dates and amounts: no personal data, and nothing that people wrote. */
async function publish(tx: Transaction, before: Application | null, after: Application): Promise<void> {
  const { organizationId, id, type, state, projectId, applicantUserId, extensionDays, additionalGpus, quota, decidedAt, lastAt: at } = after;
  const asked = { extension_days: extensionDays, additional_gpus: additionalGpus, quota };
  const data = { application: { id, type, status: state, project_id: projectId, applicant_user_id: applicantUserId, ...asked, decided_at: decidedAt } };
  await publishEvent(tx, { organizationId, environmentId: null, type: before === null ? 'application.created' : 'application.decided', data, at });
}

async function letProjectGo(tx: Transaction, { organizationId, projectId, type, state, decidedBy, lastAt: at }: Application): Promise<void> {
  if (state === 'reviewing' || state === 'approved') return;
  const [ref, decision] = [{ organizationId, id: projectId }, { at, by: decidedBy ?? system('application') }];
  if (type === 'project') await declineProject(tx, ref, state, decision);
  if (type === 'period-extension') await noteExtensionPending(tx, ref, null, decision);
}

async function tell(tx: Transaction, before: Application | null, after: Application): Promise<void> {
  const { organizationId, id, lastAt: at } = after;
  const listed = await getListedApplication(tx, organizationId, id);
  if (listed === null) throw notFound('application', id);
  const { projectName, projectCode, applicant, timeZone } = listed;
  for (const { key, to, subject, text } of lettersOf(before, after, { projectName, projectCode, applicantName: applicant.displayName, timeZone })) {
    await notify(tx, { organizationId, kind: 'application', key, to: await recipients(tx, to, after), subject, text, at });
  }
}

async function recipients(tx: Transaction, to: ApplicationLetter['to'], application: Application): Promise<{ userIds: string[]; managers: boolean }> {
  const { organizationId, applicantUserId, delegateUserId } = application;
  switch (to) {
    case 'managers':
      return { userIds: [], managers: true };
    case 'everybody-who-can-decide':
      return { userIds: await standInDeciders(tx, organizationId, applicantUserId), managers: true };
    case 'delegate':
      return { userIds: delegateUserId === null ? [] : [delegateUserId], managers: false };
    case 'applicant':
      return { userIds: [applicantUserId], managers: false };
  }
}
