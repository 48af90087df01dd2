import { insertApplication, lockApplication, saveApplication } from '../../db/projects/application-store.ts';
import { settleApplication, type Application } from '../../domain/projects/application.ts';
import { APPLICATION, type ApplicationAct } from '../../workflows/projects/application-messages.ts';
import { lockCapacity } from '../quotas/port.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';
import { followApplication } from './application-follow.ts';

/** The application as an entity: see domain/projects/application.ts for its rules. What follows from it is written with it. */
export const applicationEntity: EntityDefinition<Application, ApplicationAct> = {
  kind: APPLICATION,
  workflowType: 'application',
  table: 'applications',
  openCondition: `state = 'reviewing'`,
  lock: async (tx, organizationId, id) => {
    // What follows may free or take capacity: its lock comes first, then the project's, then ours.
    await lockCapacity(tx, organizationId);
    return await lockApplication(tx, organizationId, id);
  },
  insert: async (tx, application) => {
    await insertApplication(tx, application);
    await followApplication(tx, null, application);
  },
  save: async (tx, before, after) => {
    await saveApplication(tx, after);
    await followApplication(tx, before, after);
  },
  settle: settleApplication,
  acts: () => [],
  isDone: (application) => application.state !== 'reviewing',
  describe,
  status: (application) => application.state,
  // What people wrote stays in the row: the ledger keeps for ever.
  forLedger: ({ reason: _reason, remark: _remark, projectOver: _over, ...rest }) => rest,
};

function describe({ type, projectId, state, createdAt, escalatesAt, escalatedAt, expiresAt, decidedAt, delegateUserId }: Application): string {
  const review = escalatedAt === null ? `Escalated at ${escalatesAt}, ends undecided at ${expiresAt}` : `Was escalated at ${escalatedAt}, ends undecided at ${expiresAt}`;
  return [
    `**Application** (${type}) for ${projectId}: ${state}`,
    `Applied at ${createdAt}`,
    ...(delegateUserId === null ? [] : [`Handed to ${delegateUserId}`]),
    state === 'reviewing' ? review : `Ended at ${decidedAt ?? ''}`,
  ].join('\n\n');
}
