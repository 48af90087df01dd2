import { insertCheck, lockCheck, saveCheck } from '../../db/data-sources/credential-check-store.ts';
import { settleCheck, type CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import { CREDENTIAL_CHECK, type CheckConnectionAct } from '../../workflows/data-sources/messages.ts';
import type { EntityDefinition } from '../shared/entity-commands.ts';
import { followCheck } from './follow-operations.ts';

/** One try of credentials as an entity: ends by success, failure or after ten minutes. */
export const credentialCheckEntity: EntityDefinition<CredentialCheck, CheckConnectionAct> = {
  kind: CREDENTIAL_CHECK,
  workflowType: 'credentialCheck',
  table: 'credential_checks',
  openCondition: `state = 'checking'`,
  lock: lockCheck,
  insert: insertCheck,
  async save(tx, before, after) {
    await saveCheck(tx, before, after);
    await followCheck(tx, before, after);
  },
  settle: settleCheck,
  acts: (check) =>
    check.state === 'checking'
      ? [{ name: 'check-connection', key: `${check.id}/check`, summary: `try the credentials of ${check.request.name}` }]
      : [],
  isDone: (check) => check.state !== 'checking',
  describe: (check) => `Credentials of **${check.request.name}**: ${check.state}${check.error === null ? '' : `: ${check.error.code}`}`,
  status: (check) => check.state,
  forLedger: ({ id, dataSourceId, purpose, request, state, error }) => ({ id, dataSourceId, purpose, request, state, error }),
};
